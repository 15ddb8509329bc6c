/* SPDX-License-Identifier: MIT */
/* The FastLanes layout for one word width; included by enc_bitpack.c with T, BITS, UNPACK and PACK
 * defined. */

static void UNPACK(unsigned w, const T *in, T *out)
{
  enum { LANES = OG_LANCE__BLOCK / BITS };
  if (w == 0) {
    memset(out, 0, OG_LANCE__BLOCK * sizeof(T));
    return;
  }
  const T mask = (T)((T) ~(T)0 >> (BITS - w));
  for (unsigned r = 0; r < BITS; r++) {
    const unsigned word = r * w / BITS, shift = r * w % BITS;
    const T *lo = in + word * LANES;
    T *to = out + row_start(r);
    if (shift + w <= BITS) {
      for (unsigned l = 0; l < LANES; l++) to[l] = (T)((T)(lo[l] >> shift) & mask);
    } else { /* the value goes on in the lane's next word */
      const unsigned rest = BITS - shift;
      for (unsigned l = 0; l < LANES; l++)
        to[l] = (T)(((T)(lo[l] >> shift) | (T)(lo[l + LANES] << rest)) & mask);
    }
  }
}

static void PACK(unsigned w, const T *in, T *out)
{
  enum { LANES = OG_LANCE__BLOCK / BITS };
  memset(out, 0, (size_t)LANES * w * sizeof(T));
  if (w == 0) return;
  for (unsigned r = 0; r < BITS; r++) {
    const unsigned word = r * w / BITS, shift = r * w % BITS;
    const T *from = in + row_start(r);
    T *lo = out + word * LANES;
    for (unsigned l = 0; l < LANES; l++) lo[l] = (T)(lo[l] | (T)(from[l] << shift));
    if (shift + w <= BITS) continue;
    for (unsigned l = 0; l < LANES; l++) lo[l + LANES] = (T)(from[l] >> (BITS - shift));
  }
}
