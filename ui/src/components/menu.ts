/** One line of a menu. */
export interface MenuItem {
  label: string;
  /** What the choice comes to, such as a time. */
  detail?: string;
  run: () => void;
}
