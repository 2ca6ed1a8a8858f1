// Written by locales/compile.mjs; do not edit.
export interface Messages {
  joinTitle(a: { desk: string | number }): string;
  joinText(): string;
  passwordTitle(a: { desk: string | number }): string;
  passwordText(): string;
  email(): string;
  name(): string;
  nameHint(): string;
  nameRule(): string;
  password(): string;
  passwordRule(): string;
  join(): string;
  save(): string;
  doneTitle(): string;
  doneText(a: { address: string | number; email: string | number }): string;
  failedTitle(): string;
  used(): string;
  tooMany(): string;
  invalid(): string;
  unreachable(): string;
  again(): string;
  confirmTitle(a: { desk: string | number }): string;
  confirmText(a: { device: string | number; email: string | number }): string;
  confirmWarning(): string;
  confirmYes(): string;
  confirmNo(): string;
  agreedText(): string;
  declinedText(): string;
  signInFailedTitle(): string;
  signInFailed(): string;
}
