// The shop's own script. It may run before or after the messenger's loader: calls made earlier wait in a queue.
window.Deskbell =
  window.Deskbell ||
  function (...call) {
    (window.Deskbell.q = window.Deskbell.q || []).push(call);
  };

// A real shop calls this when the visitor has agreed, and with `false` when they have not. This one is a demo and has
// agreed for them, as the note at the top of every page says.
window.Deskbell('consent', 'tracking', true);
