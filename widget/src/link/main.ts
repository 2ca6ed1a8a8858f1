import { start } from './page';
import './link.css';

const main = document.querySelector('main');
if (main) {
  const token = location.hash.slice(1);
  // Whoever looks at the address bar or the history afterwards does not find it there.
  history.replaceState(null, '', location.pathname);
  void start(main, token, navigator.languages);
}
