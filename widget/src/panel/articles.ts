// What visitors read beside the conversation. The desk decides at each request whether they may, and in which language.
import type { ArticleId, ReadArticle } from '../protocol.generated';
import { ask } from './files';

/** Fetches an article as it is now. Throws a `FileError`: `not_found` when it is there no more. */
export async function readArticle(id: ArticleId, token: string, signal: AbortSignal): Promise<ReadArticle> {
  const answer = await ask(`/v1/articles/${id}/text`, token, { signal });
  return (await answer.json()) as ReadArticle;
}

/** The paragraphs of a body. */
export function paragraphs(body: string): string[] {
  return body.split(/\n[ \t]*(?:\n[ \t]*)+/u).filter((paragraph) => paragraph.trim() !== '');
}
