/** The one place of the page that takes a reference apart. Everywhere else it is compared, and handed back. */
import type { AccountId, ContactRef, ConversationRef, VisitorRef } from './generated';

/** The account that something belongs to. */
export function accountOf(ref: ConversationRef | VisitorRef | ContactRef): AccountId {
  return Number(ref.slice(1, ref.indexOf('.')));
}
