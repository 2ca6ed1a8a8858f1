# Что агент читает в приложении.

visitor-numbered = Посетитель { $number }
online-now = Сейчас на сайте
waiting = Ждёт
close = Закрыть
cancel = Отмена
first-run-title = Добро пожаловать в Deskbell
first-run-lead = Отвечайте посетителям сайта и не пропускайте ни одного чата.
connect-title = Подключиться к серверу
connect-address = Адрес сервера
connect-email = Электронная почта
connect-password = Пароль
connect = Подключиться
connecting = Подключение…
try-title = Попробовать на этом компьютере
try-text = Собственный сервер запустится внутри приложения. Ничто не покинет этот компьютер.
try-here = Попробовать
starting = Запуск…
sign-in-again = Войдите снова
sign-in-again-text = Сеанс завершён. Черновики, неотправленные сообщения и чаты на месте.
folders = Папки
from-customers = От клиентов
mine-title = Мои
site-title = На сайте
folder-open = Открытые
folder-waiting = Ждут ответа
folder-mine = Назначенные мне
folder-closed = Закрытые
visitors = Посетители
conversations = Разговоры
empty-open = Открытых чатов нет. Новый чат подаст сигнал.
empty-waiting = На всё отвечено.
empty-mine = Вам не назначено ни одного чата.
empty-closed = Закрытых чатов пока нет.
syncing-text = Загрузка недавних чатов…
typing = печатает…
is-typing = { $name } печатает…
draft = Черновик:
not-sent = Не отправлено
held-mark = Задержано
unread = непрочитанных
preview-nothing = Сообщений пока нет
preview-file = Файл: { $name }
preview-note = Заметка: { $text }
preview-mine = Вы: { $text }
system-closed = Чат закрыт
system-reopened = Чат открыт снова
system-assigned = Назначен: { $name }
system-unassigned = Никому не назначен
system-other = Сервер сделал отметку
you = Вы
note-label = Заметка · только для команды
delivery-queued = Ждёт отправки
delivery-delayed = Отправка через { $seconds } с
delivery-sending = Отправляется…
delivery-retrying = Повторная отправка…
delivery-held = Задержано
delivery-sent = Отправлено
delivery-seen = Просмотрено
delivery-refused = Не отправлено
retry = Повторить
discard = Удалить
undo = Отменить
edit-message = Изменить
send-anyway = Всё равно отправить
action-of = { $action }: { $text }
held-why = Пока не было связи, здесь написал кто-то другой. Прочтите и решите.
came-meanwhile = Пришло, пока не было связи
refused-not-found = Этого чата больше нет. Скопируйте текст, если он нужен, и удалите сообщение.
refused-invalid = Сервер не принимает этот текст. Измените его и отправьте снова.
refused-too-large = Сообщение слишком большое. Измените его и отправьте меньше.
refused-unsupported = Сервер не принимает файлы этого типа. Измените сообщение и отправьте без файла.
refused-conflict = Кто-то вас опередил. Посмотрите чат, затем повторите или удалите сообщение.
refused-other = Сервер не принял это сообщение. Повторите или измените его.
picture-open = Показать { $name }
file-save = Сохранить { $name }
file-remove = Убрать { $name }
notice-saved = Сохранено: { $path }
messages-with = Сообщения: { $name }
loading = Загрузка…
load-older = Показать более ранние
new-messages = Новые сообщения
empty-thread = Сообщений пока нет. Напишите первое.
link-title = Открыть эту страницу?
link-text = Этот адрес написал посетитель. Он откроется в браузере, вне Deskbell, на сайте:
page-text = Страница откроется в браузере, вне Deskbell.
link-open = Открыть в браузере
composer-tabs = Ответ или заметка
tab-reply = Ответ
tab-note = Заметка
reply-to = Ответ: { $name }
note-about = Заметка: { $name }
reply-placeholder = Напишите ответ · # — готовые тексты
note-placeholder = Увидит только ваша команда
send = Отправить
add-note = Добавить заметку
attach = Прикрепить файлы
files = Файлы
uploading = Загрузка…
pasted-picture = картинка.png
canned-texts = Готовые тексты
canned-none = Подходящих текстов нет
missing-placeholders = Заполните { $list } перед отправкой.
state-open = Открыт
state-closed = Закрыт
assign-to-me = Назначить мне
assigned-to-me = Назначен вам
assigned-to = Назначен: { $name }
done = Готово
reopen = Открыть снова
details = Подробности
minimise = Свернуть
maximise = Развернуть
restore = В окошко
close-box = Закрыть окошко
close-box-of = Закрыть окошко: { $name }
boxes = Окошки чатов
dock = Панель чатов
minimised = Свёрнутые чаты
online = На сайте
online-visitors = Посетители на сайте
chatting = В чате
browsing = Смотрит сайт
background = Вкладка в фоне
bar-unread =
    { $count ->
        [one] { $count } непрочитанное сообщение
        [few] { $count } непрочитанных сообщения
       *[many] { $count } непрочитанных сообщений
    }
bar-waiting = ждёт { $time }
more-boxes = +{ $count }
unsent-count =
    { $count ->
        [one] { $count } ждёт отправки
        [few] { $count } ждут отправки
       *[many] { $count } ждут отправки
    }
refused-count =
    { $count ->
        [one] { $count } не отправлено
        [few] { $count } не отправлено
       *[many] { $count } не отправлено
    }
held-count =
    { $count ->
        [one] { $count } задержано
        [few] { $count } задержано
       *[many] { $count } задержано
    }
synced-at = обновлено { $time }
offline-short = Нет связи
connecting-short = Подключение…
sync-title = Связь
sync-live = Всё получено
sync-syncing = Получение новостей
sync-expired = Сеанс завершён
sync-version = Другая версия
sync-heard = Последний сигнал сервера
sync-never = ещё не было
sync-lag = Ещё не получено изменений
sync-unsent = Ждут отправки
sync-refused = Не отправлено
sync-held = Ждут вашего решения
sync-holes = Чаты на экране с пропусками
select-chat = Выберите чат или нажмите Ctrl+J, чтобы открыть самый долгий.
empty-visitors = Сейчас на сайте никого нет.
visitors-offline = Без связи неизвестно, кто на сайте.
column-state = Состояние
column-visitor = Посетитель
column-from = Откуда
column-viewing = Смотрит
column-visits = Визиты
column-chats = Чаты
column-time = На сайте
column-action = Чат
start-chat = Начать чат
resume-chat = Продолжить чат
region-local = Локальная сеть
region-unknown = Неизвестно
contact = Контакт
field-name = Имя
field-email = Электронная почта
field-phone = Телефон
field-notes = Заметки о человеке
saved-at = Сохранено { $time }
email-needs-at = В адресе почты нужен знак @.
location-and-device = Место и устройство
fact-location = Место
fact-browser = Браузер
fact-device = Устройство
fact-screen = Экран
fact-language = Язык
fact-ip = IP
fact-referrer = Пришёл с
fact-visits = Визиты
visits-and-chats = { $visits } · чаты { $chats }
visited-pages = Просмотренные страницы
now = сейчас
no-pages = Страниц пока нет
previous-chats = Чаты
no-chats = Чатов пока нет
search = Поиск
search-placeholder = Поиск сообщений и людей
search-results = Результаты
search-nothing = На этом компьютере ничего не найдено: «{ $text }».
settings = Настройки
setting-language = Язык
setting-theme = Цвета
theme-system = Как в системе
theme-light = Светлые
theme-dark = Тёмные
alerts = Оповещения
setting-toasts = Уведомления
setting-sounds = Звуки
setting-flash = Мигание окна
setting-hide-text = Скрывать текст посетителей в уведомлениях
setting-open-boxes = Открывать новые чаты небольшими окнами
setting-single-keys = Сочетания из одной клавиши
setting-undo-send = Задерживать ответы на 5 секунд, чтобы их можно было отменить
account-title = Учётная запись
version = Версия { $version }
sign-out = Выйти
sign-out-text = При выходе чаты удаляются с этого компьютера. На сервере они остаются.
queue = Ждут: { $count } · дольше всех { $time }
queue-none = Никто не ждёт
offline-since = Нет связи с { $time }. Читать и искать можно всё.
offline-unsent =
    { $count ->
        [one] { $count } сообщение уйдёт, когда связь вернётся.
        [few] { $count } сообщения уйдут, когда связь вернётся.
       *[many] { $count } сообщений уйдут, когда связь вернётся.
    }
retry-now = Повторить сейчас
shortcuts = Сочетания клавиш
key-next-waiting = Чат, который ждёт дольше всех
key-next = Следующий чат
key-previous = Предыдущий чат
key-note = Ответ или заметка
key-reply = Писать в чат
key-toggle = Развернуть или в окошко
key-cycle = Следующее окошко
key-cycle-back = Предыдущее окошко
key-bar = Свёрнутый чат { $number }
key-region = Следующая часть окна
key-region-back = Предыдущая часть окна
notice-box-closed = Окошко закрыто, чат остаётся в папке.
notice-done = Чат закрыт.
announce-message = { $name }: { $text }
announce-offline = Связь прервалась. Читать можно всё, ответы сохранятся до её возвращения.
announce-online = Связь восстановлена.
announce-undo = Ответ уйдёт через 5 секунд. Ctrl+Z вернёт его.
announce-taken-back = Сообщение не отправлено. Его текст снова в поле ввода.
announce-held = Ваш ответ не отправлен: тем временем написал кто-то другой. Решите, что с ним делать.
error-wrong-password = Неверная почта или пароль. Проверьте их и попробуйте снова.
error-too-many-attempts = Слишком много попыток. Подождите несколько минут и попробуйте снова.
error-unreachable = По этому адресу никто не отвечает. Проверьте адрес и соединение.
error-not-a-desk = По этому адресу нет сервера Deskbell. Уточните адрес у администратора; для другого компьютера нужен https.
error-version = Версии сервера и приложения различаются. Обновите приложение или попросите обновить сервер.
error-expired = Сеанс завершён. Войдите снова; черновики и неотправленное сохранены.
error-signed-out = Вход не выполнен. Сначала подключитесь к серверу.
error-disk-full = На диске нет места. Ничего не потеряно: освободите место и попробуйте снова.
error-newer-database = Чаты на этом компьютере сохранены более новой версией. Ничего не изменено: обновите приложение.
error-damaged-database = Данные на этом компьютере не читаются. Они не удалены: сохраните папку и обратитесь за помощью.
error-offline = Для этого нужна связь. Попробуйте, когда она вернётся.
error-not-found = Этого больше нет.
error-invalid = Что-то заполнено неверно. Проверьте и попробуйте снова.
error-conflict = Сейчас это невозможно: есть неотправленные сообщения, или кто-то успел раньше. Проверьте и повторите.
error-too-late = Сообщение уже в пути, вернуть его нельзя.
error-too-large = Файл больше 20 МБ. Отправьте файл поменьше.
error-unsupported-type = Файлы этого типа не принимаются. Отправьте картинку, документ или архив ZIP.
error-internal = В приложении произошла ошибка. Повторите; если не поможет, перезапустите его. Ничего не потеряно.
