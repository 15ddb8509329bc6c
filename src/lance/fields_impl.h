/* SPDX-License-Identifier: MIT */
/* lance/fields_impl.h -- a schema being made, as fields*.c see it. */
#pragma once

#include "lance/fields.h"

og_lance_schema *og_fields__alloc(og_ctx *cx);
/* Checks the fields and adds the Arrow view. */
OG_MUST_USE og_status og_fields__complete(og_ctx *cx, og_lance_schema *s);
