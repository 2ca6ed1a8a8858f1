/** One line of a menu. */
export interface MenuItem {
  label: string;
  /** Stands above this line: another kind of choice begins with it. */
  heading?: string;
  /** What the choice comes to, such as a time. */
  detail?: string;
  run: () => void;
}
