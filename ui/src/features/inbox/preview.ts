/** The newest message of a chat in one line, in words. */
import { words } from '../../i18n/index.svelte';
import type { FieldKind, FormAnswer, Preview } from '../../platform';

const FORM = 'form:';

/** What a visitor answered before their first message, question by question. `null`: the message tells something else. */
export function formAnswers(code: string): { question: string; answer: string }[] | null {
  if (!code.startsWith(FORM)) return null;
  try {
    const m = words.m;
    const own: Record<FieldKind, string> = { name: m.formName(), email: m.formEmail(), phone: m.formPhone(), text: '', choice: '' };
    const answers = JSON.parse(code.slice(FORM.length)) as FormAnswer[];
    return answers.map(({ kind, label, answer }) => ({ question: label || own[kind], answer }));
  } catch {
    // A preview may hold only its beginning.
    return null;
  }
}

/** What a message of the desk itself says; its text is a code. */
export function systemText(code: string): string {
  const m = words.m;
  if (code === 'closed') return m.systemClosed();
  if (code === 'reopened') return m.systemReopened();
  if (code === 'snoozed') return m.systemSnoozed();
  if (code === 'woken') return m.systemWoken();
  if (code.startsWith(FORM)) return m.systemForm();
  if (code === 'unassigned') return m.systemUnassigned();
  if (code === 'flow_stopped') return m.systemFlowStopped();
  if (code === 'flow_handed_over') return m.systemFlowHandedOver();
  const flow = /^flow:(.+)$/su.exec(code);
  if (flow?.[1]) return m.systemFlow({ name: flow[1] });
  const assigned = /^assigned:(.+)$/su.exec(code);
  const added = /^added:(.+)$/su.exec(code);
  if (added?.[1]) return m.systemAdded({ name: added[1] });
  const left = /^left:(.+)$/su.exec(code);
  if (left?.[1]) return m.systemLeft({ name: left[1] });
  const team = /^team:(.+)$/su.exec(code);
  if (team?.[1]) return m.systemTeam({ name: team[1] });
  return assigned?.[1] ? m.systemAssigned({ name: assigned[1] }) : m.systemOther();
}

/** `among`: the chat, if it may be one among the team, where all are notes and in a group each says who wrote it. */
export function previewText(preview: Preview | null, among?: { internal: boolean; direct: boolean }): string {
  const m = words.m;
  if (preview === null) return m.previewNothing();
  if (preview.kind === 'system') return systemText(preview.text);
  const said = preview.text || (preview.file === null ? '' : m.previewFile({ name: preview.file }));
  if (among?.internal) {
    if (preview.mine) return m.previewMine({ text: said });
    return among.direct || preview.author.who !== 'agent' ? said : m.previewBy({ name: preview.author.name, text: said });
  }
  if (preview.kind === 'note') return m.previewNote({ text: said });
  return preview.mine ? m.previewMine({ text: said }) : said;
}
