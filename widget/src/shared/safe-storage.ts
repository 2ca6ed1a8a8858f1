/** The part of `Storage` that the widget uses. */
export interface Store {
  get(key: string): string | null;
  /** Removes the key when `value` is `null`. */
  set(key: string, value: string | null): void;
  keys(): string[];
}

/** Keeps nothing beyond the page. */
export function memoryStore(): Store {
  const values = new Map<string, string>();
  return {
    get: (key) => values.get(key) ?? null,
    set: (key, value) => void (value === null ? values.delete(key) : values.set(key, value)),
    keys: () => [...values.keys()],
  };
}

/**
 * The browser's storage, or memory where the browser refuses it: reading the property alone may throw, and writing
 * throws when the storage is full.
 */
export function browserStore(kind: 'localStorage' | 'sessionStorage'): Store {
  const spare = memoryStore();
  const storage = (): Storage | null => {
    try {
      return window[kind];
    } catch {
      return null;
    }
  };
  return {
    get(key) {
      try {
        return spare.get(key) ?? storage()?.getItem(key) ?? null;
      } catch {
        return null;
      }
    },
    set(key, value) {
      try {
        const found = storage();
        if (!found) return spare.set(key, value);
        if (value === null) found.removeItem(key);
        else found.setItem(key, value);
        spare.set(key, null);
      } catch {
        spare.set(key, value);
      }
    },
    keys() {
      try {
        const found = storage();
        return [...new Set([...(found ? Object.keys(found) : []), ...spare.keys()])];
      } catch {
        return spare.keys();
      }
    },
  };
}
