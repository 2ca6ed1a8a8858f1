/** 128 random bits as 32 lower-case hexadecimal digits: a presence key or a command's permanent name. */
export function randomName(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * The pause before the next try to connect, in milliseconds: full jitter between 0.5 and 30 seconds, so that
 * thousands of browsers do not come back in the same moment.
 *
 * @param attempt tries that failed in a row, from 0
 * @param random from 0 to 1
 */
export function pause(attempt: number, random: number): number {
  const most = Math.min(30_000, 1_000 * 2 ** Math.min(attempt, 10));
  return Math.round(500 + random * (most - 500));
}
