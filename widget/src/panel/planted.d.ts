/**
 * Bugs that tests plant on purpose, to see whether they are found. A build for visitors holds none of them: `PLANTED`
 * is a constant there, and `npm run build` looks for the names in what it has made.
 */
type Bug =
  /** The cursor is taken with a page of a snapshot, before the rest of its rows is here. */
  | 'cursor_before_rows'
  /** A delta that leaves one place of the log out is taken. */
  | 'gap_of_one'
  /** A heartbeat's head is waited for a moment less than promised: `>=` in the place of `>`. */
  | 'behind_too_early'
  /** A message leaves the outbox when it is acknowledged, and not when its change is here. */
  | 'removed_on_ack'
  /** What another log had is offered after what is newer. */
  | 'offered_last';

/** The bug that is planted; see `vite.config.ts`. */
declare const PLANTED: Bug | null;
