/* SPDX-License-Identifier: MIT */
/* query/supported.c -- what the language has and the executor cannot run yet.
 *
 * Such a query is checked in full first: a wrong query hears what is wrong with it, not that it came too early.
 * Opening a feature is turning its row.
 */
#include "query/check.h"

static const struct {
  bool runs;
  const char *what;
} features[] = {
    [OG_FEATURE_EMBEDDING] = {false, "nearest() of a text, which an embedding model would have to make a vector of; "
                                     "give the vector itself"},
    [OG_FEATURE_SUM] = {true, "sum()"},
    [OG_FEATURE_AVG] = {true, "avg()"},
    [OG_FEATURE_MIN] = {true, "min()"},
    [OG_FEATURE_MAX] = {true, "max()"},
    [OG_FEATURE_NEGATION] = {true, "not { … }"},
    [OG_FEATURE_HOPS] = {true, "hop bounds other than {1,1}"},
    [OG_FEATURE_EDGE_VAR] = {true, "binding an edge to a variable"},
};

void og_check__need(og_checker *c, og_feature f, og_span at)
{
  if (c->lacks || features[f].runs) return;
  c->lacks = true;
  c->feature = f;
  c->feature_span = at;
}

og_status og_check__supported(og_checker *c)
{
  if (!c->lacks) return OG_OK;
  return og_source_fail(c->cx, OG_EUNSUPPORTED, c->src, c->feature_span, OG_STR_NONE, "not supported yet: %s",
                        features[c->feature].what);
}
