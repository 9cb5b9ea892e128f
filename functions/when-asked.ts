// A port whose adapter is loaded with the first thing that is asked of it: a function that starts waits for no client that it does not use.

type Method = (...asked: unknown[]) => unknown;
type Methods = Readonly<Record<string | symbol, Method | undefined>>;

/** Methods that answer with a promise, and so may wait for their adapter; those that give a sequence are named. */
interface Shape<Port> {
  readonly sequences?: readonly (keyof Port)[];
}

/**
 * `open` is called once, however many ask at once. `close` opens nothing: what was never asked for has nothing to close.
 * All methods of `Port` but `sequences` answer with a promise, or with nothing that anybody waits for.
 */
export function whenAsked<Port extends object>(open: () => Promise<Port>, { sequences = [] }: Shape<Port> = {}): Port {
  let opened: Promise<Methods> | null = null;
  /** An adapter may be an object of a class: its methods are called as its own. */
  const method = async (name: string | symbol): Promise<Method> => {
    opened ??= open() as Promise<unknown> as Promise<Methods>;
    const port = await opened;
    return port[name]!.bind(port);
  };
  const answer =
    (name: string | symbol): Method =>
    async (...asked) =>
      await (await method(name))(...asked);
  const sequence = (name: string | symbol): Method =>
    async function* (...asked) {
      yield* (await method(name))(...asked) as AsyncIterable<unknown>;
    };
  const close = async (): Promise<void> => void (await (await opened)?.['close']?.());
  const get = (_: unknown, name: string | symbol): Method | undefined => {
    if (name === 'close') return close;
    // Else a promise that is given the port would take it for another promise.
    if (name === 'then') return undefined;
    return sequences.includes(name as keyof Port) ? sequence(name) : answer(name);
  };
  return new Proxy({}, { get }) as Port;
}
