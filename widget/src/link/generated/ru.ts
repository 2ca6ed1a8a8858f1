// Written by locales/compile.mjs; do not edit.
import type { Messages } from './types';
const digits = new Intl.NumberFormat('ru');
const f = (v: string | number) => (typeof v === 'number' ? digits.format(v) : v);
export const messages: Messages = {
  joinTitle: (a) => "Вас приглашают в " + f(a.desk),
  joinText: () => "Выберите, как вас увидят посетители и коллеги, и придумайте пароль.",
  passwordTitle: (a) => "Новый пароль для " + f(a.desk),
  passwordText: () => "После сохранения все ваши сеансы завершатся, и вы войдёте с новым паролем.",
  email: () => "Электронная почта",
  name: () => "Имя",
  nameHint: () => "Его видят посетители и коллеги.",
  nameRule: () => "Введите имя.",
  password: () => "Пароль",
  passwordRule: () => "Не меньше 8 знаков.",
  join: () => "Присоединиться",
  save: () => "Сохранить",
  doneTitle: () => "Готово",
  doneText: (a) => "Откройте Deskbell и войдите по адресу " + f(a.address) + " с почтой " + f(a.email) + " и своим паролем.",
  failedTitle: () => "Эта ссылка не открывается",
  used: () => "Ссылка уже использована, отозвана или устарела. Попросите новую.",
  tooMany: () => "Слишком много попыток. Подождите несколько минут и попробуйте снова.",
  invalid: () => "Сервер этого не принимает. Попросите новую ссылку.",
  unreachable: () => "Сервер сейчас недоступен. Проверьте соединение и попробуйте снова.",
  again: () => "Попробовать снова",
};
