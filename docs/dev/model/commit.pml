/* SPDX-License-Identifier: MIT */
/* commit.pml -- publish, branch control and cleanup, small enough to be checked in every interleaving.
 *
 * Two logs: MAIN, whose versions also hold the registry row of the one branch, and BRANCH.  Writers commit once each;
 * one process deletes the branch and creates it again (CONTROL), one cleans up (CLEANUP).  A process that dies is one
 * that is never scheduled again, so death needs no step of its own.  A request may lose its reply, and a copy of it may
 * arrive at any later time, its sender long gone.  The protocol in words: ../commit-protocol.md.
 *
 * tools/check_model.sh checks every interleaving, and that leaving a rule out is noticed:
 *
 *   BUG_NO_ADJACENCY   a created slot is acknowledged at once
 *   BUG_NO_OWN_ID      a lost slot is run again without looking for our own commit first
 *   BUG_NO_FENCE       cleanup deletes without publishing its cut-off
 *   BUG_FENCE_MAIN     cleanup publishes its cut-off on main only
 *   BUG_MARK_FIRST     cleanup looks at what is referenced before its fence instead of behind it
 *   BUG_NUMBERS_BACK   a branch that is created again starts at the number where it first started
 *   BUG_NO_SEAL        a branch is deleted on main only
 *
 * Whoever pins the newest version of a live incarnation asserts, and a reader does so at any time:
 *   (1) every acknowledged commit of the incarnation is in its fold;  (2) no commit that was reported failed is;
 *   (3) no commit is put on top of itself;  (4) every file the fold names is there;  (5) nothing that was acknowledged
 *   on a dead incarnation is in the fold of its successor;  (6) the log of a live branch ends in a version of its own
 *   incarnation;  (7) a creation that was acknowledged stays.
 */

#ifndef ON_BRANCH
#define ON_BRANCH 1 /* how many of the writers write to the branch; the others to main */
#endif
#ifndef FAULTS
#define FAULTS 2 /* how many replies may be lost, and requests held up, in all */
#endif
#define WRITERS  3
#define VERSIONS 9 /* 1 .. 8 */
#define MAIN     0
#define BRANCH   1
#define AT(b, v) ((b) * VERSIONS + (v))
#define BIT(w)   (1 << ((w) - 1))

/* Versions.  Owners: 1 .. 3 the writers, then the others; 0: absent. */
#define BY_CLEANUP 4
#define BY_CONTROL 5
#define BY_INIT    6
byte owner[2 * VERSIONS];
byte folded[2 * VERSIONS]; /* commits in the fold */
byte named[2 * VERSIONS];  /* files in the fold: BIT(w) of a first attempt, << 4 of one begun behind the fence */
byte traits[2 * VERSIONS];
byte first[VERSIONS]; /* MAIN: where the log of the branch begins */
#define FENCED 1
#define SEALED 2
#define SECOND 4 /* MAIN: the branch that is registered, BRANCH: the one this version belongs to, is the second */
#define UNKNOWN 1 /* no incarnation */
#define DEAD   8 /* MAIN: there is no branch */

byte present;  /* files on the store */
byte acked[3]; /* commits; MAIN, BRANCH, and 2: the second incarnation */
byte failed;   /* commits reported not to have happened */
byte faults;   /* so far */
bool created;  /* the second incarnation, acknowledged */
byte begun;    /* writers that have pinned once.  Those of one log are alike: they begin in one order only */

/* One copy of a request for each writer, still on its way; at 0: none. */
byte late_at[WRITERS + 1], late_folded[WRITERS + 1], late_named[WRITERS + 1], late_traits[WRITERS + 1],
    late_first[WRITERS + 1];

inline newest(b, v)
{
  v = VERSIONS - 1;
  do
  :: v > 0 && owner[AT(b, v)] == 0 -> v--
  :: else -> break
  od
}

inline look(b, v)
{
  assert((named[AT(b, v)] & ~present) == 0);
  assert((folded[AT(b, v)] & failed) == 0);
  if
  :: b == BRANCH && (traits[AT(b, v)] & SECOND) ->
    assert((acked[2] & ~folded[AT(b, v)]) == 0);
    assert((acked[BRANCH] & folded[AT(b, v)]) == 0)
  :: else -> assert((acked[b] & ~folded[AT(b, v)]) == 0)
  fi
}

inline put_if_absent(at, who, commits, files, marks)
{
  if
  :: owner[at] == 0 -> owner[at] = who; folded[at] = commits; named[at] = files; traits[at] = marks
  :: else -> skip
  fi
}

proctype writer(byte me; byte b)
{
  byte n, m, slot, commits, files, mark, incarnation, start, begins, mine, tries;
  bool behind; /* the attempt was begun behind the fence */

  incarnation = UNKNOWN;
pin:
  atomic {
    tries > 0 || me == 1 || me == WRITERS - ON_BRANCH + 1 || begun & BIT(me - 1) ->
    n = 0; slot = 0; commits = 0; files = 0; mark = 0; begins = 0; start = 1;
    if
    :: b == BRANCH -> /* the registry on main says whether there is a branch, and where it begins */
      newest(MAIN, m);
      if
      :: traits[AT(MAIN, m)] & DEAD -> goto gone
      :: incarnation != UNKNOWN && incarnation != (traits[AT(MAIN, m)] & SECOND) -> goto gone /* not ours */
      :: else -> start = first[m]; incarnation = traits[AT(MAIN, m)] & SECOND; m = 0
      fi
    :: else -> incarnation = 0
    fi
  }
  atomic { /* one list and one read: a version does not change */
    begun = begun | BIT(me);
    newest(b, n);
    if
    :: b == BRANCH &&
       (n < start || (traits[AT(b, n)] & SEALED) || (traits[AT(b, n)] & SECOND) != incarnation) -> goto gone
    :: else -> look(b, n);
      commits = folded[AT(b, n)]; files = named[AT(b, n)]; mark = traits[AT(b, n)];
      if
      :: b == MAIN -> begins = first[n]
      :: else -> skip
      fi
    fi;
    start = 0;
#ifndef BUG_NO_OWN_ID
    if
    :: commits & BIT(me) -> goto ours
    :: else -> skip
    fi;
#endif
    if
    :: tries == 2 -> failed = failed | BIT(me); goto gone /* another's stands in our slot: that is definite */
    :: else -> tries++
    fi;
    if
    :: (mark & FENCED) && !behind -> behind = true; mine = BIT(me) << 4 /* what was prepared before is condemned */
    :: mine == 0 -> mine = BIT(me)
    :: else -> skip
    fi;
    present = present | mine; /* prepared at once: nobody who lists later may take it for garbage */
    slot = n + 1;
    n = 0
  }
put:
  atomic {
    if
    :: owner[AT(b, slot)] == 0 -> assert((commits & BIT(me)) == 0)
    :: else -> skip
    fi;
    if
    :: skip /* the request arrives, and so does its reply */
    :: faults < FAULTS -> faults++; /* the reply is lost: the same request goes to the same slot again */
      put_if_absent(AT(b, slot), me, commits | BIT(me), files | mine, mark);
      if
      :: b == MAIN && owner[slot] == me -> first[slot] = begins
      :: else -> skip
      fi;
      goto put
    :: faults < FAULTS && late_at[me] == 0 -> faults++; /* it is held up on its way */
      late_at[me] = AT(b, slot); late_folded[me] = commits | BIT(me); late_named[me] = files | mine;
      late_traits[me] = mark; late_first[me] = begins;
      goto put
    fi;
    put_if_absent(AT(b, slot), me, commits | BIT(me), files | mine, mark);
    if
    :: b == MAIN && owner[slot] == me -> first[slot] = begins
    :: else -> skip
    fi;
    if
    :: owner[AT(b, slot)] != me -> goto pin
    :: else -> skip
    fi
  }
#ifndef BUG_NO_ADJACENCY
  atomic {
    newest(b, n);
    if
    :: b == BRANCH && (traits[AT(b, n)] & SECOND) != incarnation -> goto gone
    :: !(folded[AT(b, n)] & BIT(me)) -> goto pin /* we wrote into a hole */
    :: else -> skip
    fi
  }
#endif
ours:
  atomic {
    if
    :: incarnation -> acked[2] = acked[2] | BIT(me)
    :: else -> acked[b] = acked[b] | BIT(me)
    fi
  }
gone: /* promises nothing about what was put */
  atomic {
    n = 0; m = 0; slot = 0; commits = 0; files = 0; mark = 0; incarnation = 0; start = 0; begins = 0; mine = 0;
    tries = 1; behind = false; begun = begun | BIT(me)
  }
}

inline deliver(w)
{
  atomic {
    late_at[w] != 0 ->
    put_if_absent(late_at[w], w, late_folded[w], late_named[w], late_traits[w]);
    if
    :: late_at[w] < VERSIONS && owner[late_at[w]] == w -> first[late_at[w]] = late_first[w]
    :: else -> skip
    fi;
    late_at[w] = 0; late_folded[w] = 0; late_named[w] = 0; late_traits[w] = 0; late_first[w] = 0
  }
}

proctype network()
{
end:
  do
  :: deliver(1)
  :: deliver(2)
  :: deliver(3)
  od
}

/* Somebody opens main, or the branch, now.  Half a minute between the two reads of the branch changes nothing that a
 * writer's pin does not try, so it is one step. */
proctype reader()
{
  byte n, m;
end:
  do
  :: atomic { newest(MAIN, n); look(MAIN, n); n = 0 }
  :: atomic {
      newest(MAIN, m);
      newest(BRANCH, n);
      if
      :: !(traits[AT(MAIN, m)] & DEAD) && n >= first[m] && !(traits[AT(BRANCH, n)] & SEALED) ->
        assert((traits[AT(BRANCH, n)] & SECOND) == (traits[AT(MAIN, m)] & SECOND));
        look(BRANCH, n)
      :: else -> assert(!created)
      fi;
      n = 0; m = 0
    }
  od
}

/* A publish of control or cleanup, which run again until they win; adjacency is checked as writers do. */
inline append(b, who, marks, begins)
{
  do
  :: atomic { newest(b, n) }
     atomic {
       if
       :: owner[AT(b, n + 1)] == 0 ->
         put_if_absent(AT(b, n + 1), who, folded[AT(b, n)], named[AT(b, n)], marks);
         if
         :: b == MAIN -> first[n + 1] = begins
         :: else -> skip
         fi;
         m = n + 1;
         newest(b, n);
         if
         :: m == n -> m = 0; break
         :: else -> m = 0
         fi
       :: else -> skip
       fi
     }
  od
}

#ifdef WITH_CONTROL
/* Deletes the branch, and creates it again. */
proctype control()
{
  byte n, m, seal;
#ifndef BUG_NO_SEAL
  append(BRANCH, BY_CONTROL, traits[AT(BRANCH, n)] | SEALED, 0); /* from here on nobody commits to that log */
#endif
  append(MAIN, BY_CONTROL, traits[AT(MAIN, n)] | DEAD, first[n]);
  atomic { newest(BRANCH, seal) } /* the largest number its log has */
#ifdef BUG_NUMBERS_BACK
  seal = 0;
#endif
  append(MAIN, BY_CONTROL, (traits[AT(MAIN, n)] & FENCED) | SECOND, seal + 1);
  atomic {
    put_if_absent(AT(BRANCH, seal + 1), BY_CONTROL, folded[AT(MAIN, n)], named[AT(MAIN, n)],
                  (traits[AT(MAIN, n)] & FENCED) | SECOND);
    created = true; n = 0; seal = 0
  }
}
#endif

#ifdef WITH_CLEANUP
#define HAS_BRANCH (!(traits[AT(MAIN, floors[MAIN])] & DEAD))

inline mark(b) /* at once: whoever reads these versions one by one sees no fewer */
{
  atomic {
    v = floors[b];
    do
    :: v >= VERSIONS -> v = 0; break
    :: else -> marked = marked | named[AT(b, v)]; v++
    od
  }
}

inline sweep(b) /* what is below the floor */
{
  atomic {
    v = 1;
    do
    :: v >= floors[b] -> v = 0; break
    :: else -> owner[AT(b, v)] = 0; folded[AT(b, v)] = 0; named[AT(b, v)] = 0; traits[AT(b, v)] = 0; v++
    od
  }
}

/* One cleanup: list, fence, mark, sweep.  Everything but the newest state expires. */
proctype cleanup()
{
  byte listed, marked, n, m, v, floors[2];
  atomic { listed = present & 15 } /* attempts below the cut-off */
#ifdef BUG_MARK_FIRST
  atomic { newest(MAIN, n); floors[MAIN] = n }
  mark(MAIN);
  atomic { newest(BRANCH, n); floors[BRANCH] = n }
  mark(BRANCH);
#endif
#ifdef BUG_NO_FENCE
  atomic { newest(MAIN, n); floors[MAIN] = n }
  atomic { newest(BRANCH, n); floors[BRANCH] = n }
#else
  append(MAIN, BY_CLEANUP, traits[AT(MAIN, n)] | FENCED, first[n]);
  floors[MAIN] = n;
#ifdef BUG_FENCE_MAIN
  atomic { newest(BRANCH, n); floors[BRANCH] = n }
#else
  do /* the branch that lives in that version: its first version is made if nobody did, then it is fenced */
  :: atomic {
      newest(BRANCH, n);
      if
      :: HAS_BRANCH && n < first[floors[MAIN]] ->
        put_if_absent(AT(BRANCH, first[floors[MAIN]]), BY_CONTROL, folded[AT(MAIN, floors[MAIN])],
                      named[AT(MAIN, floors[MAIN])], (traits[AT(MAIN, floors[MAIN])] & SECOND) | FENCED)
      :: !HAS_BRANCH || (traits[AT(BRANCH, n)] & SEALED) -> floors[BRANCH] = n; break
      :: else -> skip
      fi
    }
    atomic {
      if
      :: owner[AT(BRANCH, n + 1)] == 0 ->
        put_if_absent(AT(BRANCH, n + 1), BY_CLEANUP, folded[AT(BRANCH, n)], named[AT(BRANCH, n)],
                      traits[AT(BRANCH, n)] | FENCED);
        m = n + 1;
        newest(BRANCH, n);
        if
        :: m == n -> m = 0; floors[BRANCH] = n; break
        :: else -> m = 0
        fi
      :: else -> skip
      fi
    }
  od;
#endif
#endif
#ifndef BUG_MARK_FIRST
  mark(MAIN);
  mark(BRANCH);
#endif
  sweep(MAIN);
  sweep(BRANCH);
  atomic { present = present & ~(listed & ~marked); listed = 0; marked = 0; n = 0; floors[0] = 0; floors[1] = 0 }
}
#endif

init
{
  atomic {
    owner[AT(MAIN, 1)] = BY_INIT;
    owner[AT(BRANCH, 1)] = BY_INIT;
    first[1] = 1;
    run writer(1, (ON_BRANCH > 2 -> BRANCH : MAIN));
    run writer(2, (ON_BRANCH > 1 -> BRANCH : MAIN));
    run writer(3, (ON_BRANCH > 0 -> BRANCH : MAIN));
#ifdef WITH_CONTROL
    run control();
#endif
#ifdef WITH_CLEANUP
    run cleanup();
#endif
    run network();
    run reader()
  }
}
