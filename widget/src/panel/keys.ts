/** Whether an input method takes the key, to choose or to take back a word; some browsers tell so only by the code 229. */
export function composes({ isComposing, keyCode }: KeyboardEvent): boolean {
  return isComposing || keyCode === 229;
}
