tray-open = Открыть Deskbell
tray-next-waiting = Следующий ожидающий чат
tray-mute = Выключить звуки
tray-quit = Выйти из Deskbell

tray-status-online = В сети, никто не ждёт
tray-waiting = { $count ->
    [one] В сети, ждёт { $count } посетитель
    [few] В сети, ждут { $count } посетителя
   *[many] В сети, ждут { $count } посетителей
}
tray-unread = { $count ->
    [one] В сети, { $count } непрочитанный чат
    [few] В сети, { $count } непрочитанных чата
   *[many] В сети, { $count } непрочитанных чатов
}
tray-status-offline = Нет связи: новые чаты не прозвонят
tray-status-expired = Вход не выполнен: новые чаты не прозвонят
tray-status-partly = Не все серверы на связи: их новые чаты не прозвонят

toast-new-chat = Новый чат: { $name }
toast-message = { $name }
toast-in-group = { $name } в группе { $group }
toast-mention = { $name } упоминает вас
toast-mention-in = { $name } упоминает вас: { $place }
toast-at-desk = { $title } · { $desk }
toast-hidden-text = Для вас есть новое сообщение.
toast-file = Файл: { $name }

action-open = Открыть
action-assign = Взять себе
action-quit = Всё же выйти

visitor-numbered = Посетитель { NUMBER($number, useGrouping: "false") }

window-title = { $count ->
    [0] Deskbell
    [one] { $count } непрочитанный чат – Deskbell
    [few] { $count } непрочитанных чата – Deskbell
   *[many] { $count } непрочитанных чатов – Deskbell
}

still-running-title = Deskbell продолжает работать
still-running-body = Новые чаты прозвонят. Откройте Deskbell через значок в области уведомлений.
