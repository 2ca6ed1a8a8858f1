// Written by locales/compile.mjs; do not edit.
import type { Messages } from './types';
const digits = new Intl.NumberFormat('en');
const f = (v: string | number) => (typeof v === 'number' ? digits.format(v) : v);
export const messages: Messages = {
  joinTitle: (a) => "You are invited to " + f(a.desk),
  joinText: () => "Choose how visitors and colleagues see you, and a password.",
  passwordTitle: (a) => "A new password for " + f(a.desk),
  passwordText: () => "Once it is saved, you are signed out everywhere and sign in with it.",
  email: () => "E-mail",
  name: () => "Name",
  nameHint: () => "Visitors and colleagues see it.",
  nameRule: () => "Enter a name.",
  password: () => "Password",
  passwordRule: () => "At least 8 characters.",
  join: () => "Join",
  save: () => "Save",
  doneTitle: () => "Done",
  doneText: (a) => "Open Deskbell and sign in at " + f(a.address) + " with " + f(a.email) + " and your password.",
  failedTitle: () => "This link does not open",
  used: () => "The link was used already, was taken back, or is too old. Ask for a new one.",
  tooMany: () => "Too many tries. Wait a few minutes and try again.",
  invalid: () => "The desk does not accept this. Ask for a new link.",
  unreachable: () => "The desk cannot be reached right now. Check your connection and try again.",
  again: () => "Try again",
};
