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
connect-code = Код
connect-code-hint = Шесть цифр из приложения-аутентификатора или код восстановления.
connect = Подключиться
connecting = Подключение…
sign-in-with = Войти через { $provider }
provider-waiting = Продолжите в браузере. Соглашайтесь, только если он показывает тот же код:
try-title = Попробовать на этом компьютере
try-text = Собственный сервер запустится внутри приложения. Ничто не покинет этот компьютер.
try-here = Попробовать
starting = Запуск…
sign-in-again = Войдите снова
sign-in-again-text = Сеанс завершён. Черновики, неотправленные сообщения и чаты на месте.
locked-title = Разблокируйте хранилище паролей и попробуйте ещё раз
locked-text = Ваши чаты на этом компьютере зашифрованы, а ключ лежит в хранилище паролей вашей системы: оно заблокировано или не отвечает. Ничего не потеряно.
try-again = Попробовать ещё раз
opening-again = Открываем…
undecryptable-title = Войдите снова, чтобы продолжить
undecryptable-text = Ключ от чатов на этом компьютере пропал, поэтому прочитать их нельзя. После входа все чаты снова придут с сервера.
undecryptable-unsent = Неотправленных сообщений и черновиков на сервере нет. Старые данные остаются на этом компьютере под другим именем и не удаляются — на случай, если ключ найдётся.
revoked-title = На этом компьютере выполнен выход
revoked-text = Ваш сеанс завершили с другого устройства, и все чаты удалены с этого компьютера. На сервере они остаются.
revoked-kept =
    { $count ->
        [one] { $count } сообщение или черновик не успели попасть на сервер. Они хранятся здесь в зашифрованном виде, пока вы не войдёте снова.
        [few] { $count } сообщения и черновика не успели попасть на сервер. Они хранятся здесь в зашифрованном виде, пока вы не войдёте снова.
       *[many] { $count } сообщений и черновиков не успели попасть на сервер. Они хранятся здесь в зашифрованном виде, пока вы не войдёте снова.
    }
revoked-remove = Убрать с этого компьютера
revoked-remove-text = При этом удалится и то, что не попало на сервер.
folders = Папки
from-customers = От клиентов
mine-title = Мои
site-title = На сайте
folder-open = Открытые
folder-waiting = Ждут ответа
folder-mine = Мои и под наблюдением
folder-snoozed = Отложенные
folder-closed = Закрытые
folder-team = Команда
visitors = Посетители
conversations = Разговоры
empty-open = Открытых чатов нет. Новый чат подаст сигнал.
empty-waiting = На всё отвечено.
empty-mine = Вам не назначено ни одного чата, и вы ни за одним не следите.
empty-snoozed = Нет отложенных чатов.
empty-closed = Закрытых чатов пока нет.
empty-team = В команде пока не переписывались. Напишите коллеге.
list-more = Показать больше чатов
list-most = Здесь показано чатов: { $count }. Больше в списке не помещается, остальные найдёт поиск.
syncing-text = Загрузка недавних чатов…
typing = печатает…
is-typing = { $name } печатает…
is-writing = { $name } пишет, ещё не отправлено:
draft = Черновик:
not-sent = Не отправлено
held-mark = Задержано
unread = не прочитано
preview-nothing = Сообщений пока нет
preview-file = Файл: { $name }
preview-note = Заметка: { $text }
preview-mine = Вы: { $text }
preview-by = { $name }: { $text }
system-closed = Чат закрыт
system-reopened = Чат открыт снова
system-snoozed = Чат отложен
system-woken = Чат снова открыт
system-assigned = Назначен: { $name }
system-unassigned = Никому не назначен
system-team = Передан команде: { $name }
automatic-answer = Автоответ
system-form = Ответы перед чатом
form-name = Имя
form-email = Эл. почта
form-phone = Телефон
system-added = Теперь участвует { $name }
system-left = Больше не участвует { $name }
system-flow = Начат сценарий «{ $name }»
system-flow-stopped = Сценарий остановлен
system-flow-handed-over = Сценарий завершён: посетитель ждёт
message-choices = Варианты ответа
system-other = Сервер сделал отметку
you = Вы
note-label = Заметка · только для команды
article-sent = Статья
delivery-queued = Ждёт отправки
delivery-delayed = Отправка через { $seconds } с
delivery-uploading = Загружается, { $percent } %
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
delete-message = Удалить
message-deleted = Сообщение удалено
editing-message = Изменить сообщение
save-edit = Сохранить
edited = изменено
change-queued = изменение ждёт отправки
message-menu = Меню сообщения
written-by = { $name }, { $time }
edit-again = Изменить снова
delete-title = Удалить это сообщение?
delete-text = Текст и файлы исчезнут у всех, и у посетителя тоже. Место сообщения останется.
send-anyway = Всё равно отправить
action-of = { $action }: { $text }
held-why = Пока не было связи, здесь написал кто-то другой. Прочтите и решите.
came-meanwhile = Пришло, пока не было связи
refused-not-found = Этого чата больше нет. Скопируйте текст, если он нужен, и удалите сообщение.
refused-invalid = Сервер не принимает этот текст. Измените его и отправьте снова.
refused-mention = Не все упомянутые видят этот чат: { $names }. Сначала добавьте их в участники или уберите их из заметки.
refused-too-large = Сообщение слишком большое. Измените его и отправьте меньше.
refused-unsupported = Сервер не принимает файлы этого типа. Измените сообщение и отправьте без файла.
refused-conflict = Кто-то вас опередил. Посмотрите чат, затем повторите или удалите сообщение.
refused-other = Сервер не принял это сообщение. Повторите или измените его.
refused-deed = { $deed } Не сделано: { $why }
refused-deed-conflict = кто-то успел раньше. Посмотрите чат и повторите или удалите.
refused-deed-invalid = это больше не подходит, например, время уже прошло. Удалите и выберите снова.
refused-deed-not-found = этого чата больше нет. Удалите.
refused-deed-other = сервер это не принял. Повторите или удалите.
refused-assign = Не назначен: кто-то был быстрее. { $now }.
deed-set-state = Закрыть или открыть.
deed-snooze = Отложить.
deed-assign = Назначить.
deed-set-priority = Изменить приоритет.
deed-change-labels = Изменить метки.
deed-change-participants = Изменить состав участников.
deed-follow = Следить или перестать.
deed-edit-message = Изменить сообщение.
deed-delete-message = Удалить сообщение.
deed-other = Изменение этого чата.
picture-open = Показать { $name }
file-save = Сохранить { $name }
file-remove = Убрать { $name }
notice-saved = Сохранено: { $path }
messages-with = Сообщения: { $name }
loading = Загрузка…
load-older = Показать более ранние
load-newer = Показать более поздние
load-newest = К самым новым
new-messages = Новые сообщения
empty-thread = Сообщений пока нет. Напишите первое.
link-title = Открыть эту страницу?
link-text = Этот адрес откроется в браузере, вне Deskbell, на сайте:
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
file-refused = Не принят
file-away = Нет на этом компьютере
uploading = Копируется…
pasted-picture = картинка.png
canned-texts = Готовые тексты
canned-none = Подходящих текстов нет
canned-mine = Мой
file-count =
    { $count ->
        [one] { $count } файл
        [few] { $count } файла
        [many] { $count } файлов
       *[other] { $count } файла
    }
mention = Упомянуть коллегу
mention-people = Коллеги
mention-none = Нет подходящих коллег, которые видят этот чат
mention-told = Узнают: { $names }
mention-in-notes = Коллег упоминают в заметках, которых посетитель никогда не видит.
mention-write-note = Написать заметку
missing-placeholders = Заполните { $list } перед отправкой.
state-open = Открыт
state-snoozed = Отложен
state-closed = Закрыт
assign-to-me = Назначить мне
assigned-to-me = Назначен вам
assigned-to = Назначен: { $name }
assign = Назначить
assign-filter = Имя или команда
assign-none = Никого с таким именем
assign-online = на месте
assign-offline = отсутствует
assign-team = Команда
assign-nobody = Никому
new-internal = Написать коллегам
internal-desk = Сервер
internal-to = Кому
internal-title = Название группы
internal-title-hint = Пусто — личное сообщение одному коллеге. Для нескольких нужно название.
internal-text = Сообщение
colleague-filter = Имя коллеги
colleagues-none = Выбирать некого.
participants = Кто участвует
participants-hint = Участник читает чат и пишет в нём, даже если сайт не его.
participants-hint-team = Написанное видят только они. Новый участник прочтёт и то, что было раньше.
participants-none = Пока никто не участвует.
participants-add = Добавить коллег
participants-leave = Выйти
participants-remove = Убрать: { $name }
follow = Следить
unfollow = Не следить
followers = Следят
followers-none = Пока никто не следит.
announce-followed = Вы следите за этим чатом: он среди ваших, и вы узнаете о его сообщениях.
announce-unfollowed = Вы больше не следите за этим чатом.
team-only = Только команда
message-to = Сообщение: { $name }
message-placeholder = Напишите коллегам. Посетители этого не увидят.
priority-is = Приоритет: { $name }
priority-none = Нет
priority-low = Низкий
priority-medium = Средний
priority-high = Высокий
priority-urgent = Срочный
done = Готово
reopen = Открыть снова
snooze = Отложить
snoozed-until = Отложен до { $time }
snoozed-until-reply = Отложен до следующего ответа
snooze-hour = На 1 час
snooze-tomorrow = Завтра
snooze-monday = В следующий понедельник
snooze-reply = До следующего сообщения посетителя
wake-now = Вернуть сейчас
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
more-actions = Ещё
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
sync-over-http = { $state } · по HTTP
sync-blocked = Эта сеть не пропускает постоянные соединения. Всё приходит по HTTP, с небольшой задержкой.
sync-heard = Последний сигнал сервера
sync-never = ещё не было
sync-lag = Ещё не получено изменений
sync-unsent = Ждут отправки
sync-refused = Не отправлено
sync-held = Ждут вашего решения
sync-holes = Чаты на экране с пропусками
select-chat = Выберите чат или нажмите { $keys }, чтобы открыть тот, что ждёт дольше всех.
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
verified-by-shop = Подтверждено магазином: { $id }
field-name = Имя
field-email = Электронная почта
field-phone = Телефон
field-notes = Заметки о человеке
saved-at = Сохранено { $time }
email-not-kept = Пока не сохранено: это неправильный адрес почты. Правильный выглядит так: name@example.com.
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
linked-items = Тикеты, задачи и проекты
item-project = Проект { $number }
item-ticket = Тикет { $number }
item-task = Задача { $number }
item-assignee = Исполнитель: { $name }
item-open = К выполнению
item-in-progress = В работе
item-closed = Готово
no-chats = Чатов пока нет
labels = Метки
label-add = Добавить метку
labels-in-use = Используемые метки
label-remove = Убрать метку { $label }
labelled = Метка
more-labels =
    { $count ->
        [one] ещё { $count } метка
        [few] ещё { $count } метки
        [many] ещё { $count } меток
       *[other] ещё { $count } метки
    }
search = Поиск
search-placeholder = Поиск сообщений, людей и страниц
search-results = Результаты
search-nothing = На этом компьютере ничего не найдено: «{ $text }».
search-person = Человек
search-page = Страница
search-message = Сообщение
search-note = Заметка
search-file = Файл
search-help = Уточнить поиск:
search-there = Только на сервере, не на этом компьютере
search-here-only = Сервер сейчас недоступен: поиск выполнен только на этом компьютере.
search-asking = Запрос к серверу…
search-from = кто написал: visitor (посетитель), me (я) или имя
search-to = кому: visitor (посетитель), me (я) или имя
search-in = open (открытые), snoozed (отложенные), closed (закрытые), mine (мои) или notes (заметки)
search-pages = страница, которую посетил человек
search-tag = метка или её начало
search-has = file (файл), picture (картинка), link (ссылка) или note (заметка)
search-before = дата, например 2026-05-31, 2026-05 или 2026
search-after = начиная с даты: 2026-05-31, 2026-05 или 2026
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
settings-messages = Чаты на этом компьютере
setting-keep-messages = Хранить закрытый чат
keep-messages-always = всегда
setting-keep-messages-room = Место для чатов
keep-messages-unlimited = сколько нужно
keep-messages-text = От закрытых чатов, которые дольше всего не использовались, здесь остаётся только последнее сообщение. Остальные есть на сервере: они загружаются, когда вы читаете дальше, и находятся его поиском. Открытые и отложенные чаты и неотправленные тексты всегда остаются целыми.
settings-files = Файлы на этом компьютере
setting-keep-days = Хранить файл
setting-keep-room = Место для каждого сервера
keep-days =
    { $days ->
        [one] { $days } день после последнего использования
        [few] { $days } дня после последнего использования
       *[many] { $days } дней после последнего использования
    }
keep-megabytes = до { $megabytes } МБ
keep-gigabytes = до { $gigabytes } ГБ
keep-none = не хранить
keep-text = Файлы до 5 МБ из чатов, которые вы открываете, хранятся здесь в зашифрованном виде и открываются без соединения. Файлы больше этого хранятся, если вы хоть раз их сохранили. Первым удаляется то, что дольше всего не использовалось.
desks = Серверы
all-desks = Все серверы
desk-of = Сервер:
desk-locked = Ключ недоступен
desk-closed = Не открывается
add-desk = Подключить ещё один сервер
add-desk-text = Его чаты встанут в общий список. В каждой строке указано, с какого она сервера.
account-title = Учётная запись
version = Версия { $version }
sign-out = Выйти
key-in-keychain = Чаты на этом компьютере зашифрованы. Ключ лежит в хранилище паролей вашей системы.
key-in-file = Чаты на этом компьютере зашифрованы. Хранилища паролей здесь нет, поэтому ключ лежит в файле, который может читать только ваш пользователь.
sign-out-text = При выходе чаты удаляются с этого компьютера. На сервере они остаются.
sign-out-loses =
    { $count ->
        [one] { $count } сообщение или черновик есть только на этом компьютере: на сервер это не попало. При выходе оно удалится.
        [few] { $count } сообщения и черновика есть только на этом компьютере: на сервер они не попали. При выходе они удалятся.
       *[many] { $count } сообщений и черновиков есть только на этом компьютере: на сервер они не попали. При выходе они удалятся.
    }
sign-out-anyway = Удалить и выйти
devices = Где выполнен вход
device-this = этот компьютер
device-online = на связи
device-seen = последний сигнал: { $time }
device-signed-out = Вход завершён: { $name }
devices-signed-out = Вход завершён на всех остальных компьютерах
devices-sign-out-others = Выйти на всех остальных
queue = Ждут: { $count } · дольше всех { $time }
queue-none = Никто не ждёт
offline-since = Нет связи с { $time }. Читать и искать можно всё.
offline-unsent =
    { $count ->
        [one] { $count } сообщение или изменение уйдёт, когда связь вернётся.
        [few] { $count } сообщения и изменения уйдут, когда связь вернётся.
       *[many] { $count } сообщений и изменений уйдут, когда связь вернётся.
    }
retry-now = Повторить сейчас
shortcuts = Сочетания клавиш
key-next-waiting = Чат, который ждёт дольше всех
key-next = Следующий чат
key-previous = Предыдущий чат
key-note = Ответ или заметка
key-follow = Следить или перестать
key-reply = Писать в чат
key-toggle = Развернуть или в окошко
key-cycle = Следующее окошко
key-cycle-back = Предыдущее окошко
key-bar = Свёрнутый чат { $number }
key-region = Следующая часть окна
key-region-back = Предыдущая часть окна
notice-box-closed = Окошко закрыто, чат остаётся в папке.
notice-done = Чат закрыт.
notice-snoozed = Отложен до { $time }.
notice-snoozed-reply = Отложен до следующего ответа.
announce-message = { $name }: { $text }
announce-offline = Связь прервалась. Читать можно всё, ответы сохранятся до её возвращения.
announce-online = Связь восстановлена.
announce-undo = Ответ уйдёт через 5 секунд. { $keys } вернёт его.
announce-taken-back = Сообщение не отправлено. Его текст снова в поле ввода.
announce-labelled = Метка { $label } добавлена.
announce-unlabelled = Метка { $label } убрана.
announce-held = Ваш ответ не отправлен: тем временем написал кто-то другой. Решите, что с ним делать.
error-wrong-password = Неверная почта или пароль. Проверьте их и попробуйте снова.
error-code-required = Пароль верен. Теперь введите ещё и код.
error-code-wrong = Код неверен или уже использован. Введите следующий, который покажет приложение.
error-too-many-attempts = Слишком много попыток. Подождите несколько минут и попробуйте снова.
error-no-agent = На сервере нет сотрудника с вашим подтверждённым адресом. Попросите администратора о приглашении.
error-provider-failed = Служба входа недоступна, или её ответ нельзя проверить. Попробуйте снова; если это повторится, сообщите администратору.
error-sign-in-ended = Никто не вошёл: в браузере ответили отказом, или время вышло. Начните заново.
error-unreachable = По этому адресу никто не отвечает. Проверьте адрес и соединение.
error-not-a-desk = По этому адресу нет сервера Deskbell. Уточните адрес у администратора; для другого компьютера нужен https.
error-version = Версии сервера и приложения различаются. Обновите приложение или попросите обновить сервер.
error-expired = Сеанс завершён. Войдите снова; черновики и неотправленное сохранены.
error-revoked = На этом компьютере выполнен выход, чаты удалены. Войдите снова; то, что не попало на сервер, сохранено.
error-signed-out = Вход не выполнен. Сначала подключитесь к серверу.
error-signed-in-already = Вы уже вошли на этот сервер. Откройте его чаты или подключитесь к другому серверу.
error-too-many-accounts = Уже подключено 8 серверов, больше нельзя. Сначала выйдите из одного из них.
error-disk-full = На диске нет места. Ничего не потеряно: освободите место и попробуйте снова.
error-newer-database = Чаты на этом компьютере сохранены более новой версией. Ничего не изменено: обновите приложение.
error-damaged-database = Данные на этом компьютере не читаются. Они не удалены: сохраните папку и обратитесь за помощью.
error-keychain-locked = Хранилище паролей этого компьютера заблокировано или не отвечает. Разблокируйте его и попробуйте ещё раз.
error-undecryptable = Чаты на этом компьютере невозможно расшифровать. Войдите снова.
error-offline = Для этого нужна связь. Попробуйте, когда она вернётся.
error-not-found = Этого больше нет.
error-invalid = Что-то заполнено неверно. Проверьте и попробуйте снова.
error-conflict = Сейчас это невозможно: есть неотправленные сообщения, или кто-то успел раньше. Проверьте и повторите.
error-too-late = Сообщение уже в пути, вернуть его нельзя.
error-too-large = Файл больше 20 МБ. Отправьте файл поменьше.
error-file-empty = Файл пустой. Выберите другой.
error-unsupported-type = Файлы этого типа не принимаются. Отправьте картинку, документ или архив ZIP.
error-internal = В приложении произошла ошибка. Повторите; если не поможет, перезапустите его. Ничего не потеряно.
