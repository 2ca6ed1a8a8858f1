// Written by locales/compile.mjs; do not edit.
import type { Messages } from './types';
const digits = new Intl.NumberFormat('es');
const f = (v: string | number) => (typeof v === 'number' ? digits.format(v) : v);
export const messages: Messages = {
  joinTitle: (a) => "Le invitan a " + f(a.desk),
  joinText: () => "Elija cómo le verán visitantes y compañeros, y una contraseña.",
  passwordTitle: (a) => "Una contraseña nueva para " + f(a.desk),
  passwordText: () => "Al guardarla se cierran todas sus sesiones y podrá entrar con ella.",
  email: () => "Correo electrónico",
  name: () => "Nombre",
  nameHint: () => "Lo ven visitantes y compañeros.",
  nameRule: () => "Escriba un nombre.",
  password: () => "Contraseña",
  passwordRule: () => "8 caracteres como mínimo.",
  join: () => "Unirse",
  save: () => "Guardar",
  doneTitle: () => "Listo",
  doneText: (a) => "Abra Deskbell y entre en " + f(a.address) + " con " + f(a.email) + " y su contraseña.",
  failedTitle: () => "Este enlace no se abre",
  used: () => "El enlace ya se usó, se retiró o es demasiado antiguo. Pida uno nuevo.",
  tooMany: () => "Demasiados intentos. Espere unos minutos e inténtelo de nuevo.",
  invalid: () => "El centro no acepta esto. Pida un enlace nuevo.",
  unreachable: () => "Ahora no se puede llegar al centro. Revise su conexión e inténtelo de nuevo.",
  again: () => "Intentar de nuevo",
};
