## The button on the website and the frame around the messenger. Everything that begins with "launcher" is built
## into the loader, so keep it short.
launcher-open = Написать нам
launcher-open-unread = { $count ->
    [one] Написать нам, { $count } непрочитанное сообщение
    [few] Написать нам, { $count } непрочитанных сообщения
    [many] Написать нам, { $count } непрочитанных сообщений
   *[other] Написать нам, { $count } непрочитанных сообщения
}
launcher-close = Закрыть чат
launcher-frame = Чат
launcher-unreachable = Сейчас чат недоступен.
launcher-retry = Повторить

## Header
connecting = Соединяемся…
online = Обычно отвечаем за несколько минут
away = Нас сейчас нет; оставьте сообщение, ответим здесь
back = Снова на связи: { $when }
larger = Увеличить
smaller = Уменьшить
close = Закрыть чат
menu = Ещё
status-online = На связи
status-away = Не на связи

## Forgetting
forget = Забыть эту переписку
forget-question = Забыть эту переписку?
forget-explained = В этом браузере она больше не появится. У команды останется копия.
forget-confirm = Забыть
cancel = Отмена

## Messages
conversation = Переписка
welcome-title = Здравствуйте!
welcome-text = Спрашивайте о чём угодно. Мы читаем каждое сообщение.
earlier = Показать более ранние
today = Сегодня
yesterday = Вчера
you = Вы
the-team = Команда
said = { $name }, { $time }: { $text }
sending = Отправляется…
waiting = Ждёт соединения
sent = Отправлено
not-sent = Не отправлено.
retry = Повторить
discard = Удалить
typing = { $name } печатает…
joined = Вам ответит { $name }
closed = Переписка закрыта. Напишите, и она откроется снова.
edited = изменено
deleted = Сообщение удалено
choices = Варианты ответа
new-messages = { $count ->
    [one] { $count } новое сообщение
    [few] { $count } новых сообщения
    [many] { $count } новых сообщений
   *[other] { $count } новых сообщения
}

## Files
file-own = Файл { $name }
picture = Изображение { $name }
picture-large = Показать { $name } крупнее
picture-unavailable = Это изображение нельзя показать.
save = Сохранить
save-file = Сохранить { $name }, { $size }
saving = Сохраняется…
close-picture = Закрыть изображение
size-kb = { $size } КБ
size-mb = { $size } МБ

## Articles
article-read = Читать
article-read-of = Читать: { $title }
article-back = Назад
article-loading = Загружается…
article-gone = Эта статья больше не доступна.
article-failed = Сейчас статью показать нельзя. Проверьте соединение и повторите попытку.

## Writing
write = Напишите сообщение
send = Отправить
peek-notice = Команда видит, что вы пишете, ещё до отправки.
attach = Прикрепить файл
drop = Отпустите файлы, чтобы прикрепить их
uploading = Загружается { $name }
file-waiting = Файл { $name } ждёт соединения
file-waiting-turn = Файл { $name } ждёт своей очереди
choose-again = Выбрать снова
ready = Файл { $name } прикреплён
remove-file = Убрать { $name }
characters-left = { $count ->
    [one] Остался { $count } символ
    [few] Осталось { $count } символа
    [many] Осталось { $count } символов
   *[other] Осталось { $count } символа
}

## What went wrong, and what to do
offline-bar = Нет соединения. Сообщения сохранены и будут отправлены.
refused = На этой странице чат недоступен.
blocked = Сейчас отправить сообщение отсюда нельзя.
unproven = Мы больше не можем подтвердить, кто вы. Войдите на сайт магазина или перезагрузите страницу.
error-too-large = Файл { $name } больше 20 МБ. Отправьте файл поменьше.
error-type = Файлы вроде { $name } отправить нельзя. Подойдёт изображение, PDF или ZIP.
error-file-empty = Файл { $name } пустой. Выберите другой.
error-enough-files = Пока файлов достаточно. Отправьте { $name } позже.
error-busy = Не удалось загрузить { $name }. Повторите чуть позже.
error-file-lost = Файл { $name } больше не читается. Выберите его ещё раз: загрузка продолжится с того же места.
error-too-many-files = В одном сообщении не больше 10 файлов.
error-download = Сейчас файл получить нельзя. Повторите попытку.
error-outbox-full = Слишком много сообщений ждёт соединения. Отправьте это позже.
error-text-too-long = В сообщении не больше 10 000 символов. Сократите его.

## What is asked before the first message
ask-title = Прежде чем начать
ask-name = Ваше имя
ask-email = Ваша электронная почта
ask-phone = Ваш номер телефона
ask-optional = { $label } (необязательно)
ask-choose = Выберите…
ask-missing = Пожалуйста, ответьте.
ask-email-wrong = Напишите адрес, например vic@home.example.
ask-refused = Этот ответ не удалось принять. Измените его и отправьте ещё раз.
