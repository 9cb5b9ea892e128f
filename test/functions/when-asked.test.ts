// A port that is opened with the first question: once, for all who ask, and not to be closed.
import { expect, test } from '@jest/globals';
import { whenAsked } from '#functions/when-asked.ts';

interface Shelf {
  find(name: string): Promise<string>;
  all(from: number): AsyncIterable<number>;
  close(): Promise<void>;
}

/** Of a class, as most adapters are: what its methods need is its own. */
class TestShelf implements Shelf {
  readonly #done: string[];

  constructor(done: string[]) {
    this.#done = done;
    done.push('opened');
  }

  async find(name: string): Promise<string> {
    return this.#done.includes('closed') ? 'closed' : `${name}!`;
  }

  async *all(from: number): AsyncIterable<number> {
    if (this.#done.includes('closed')) return;
    yield from;
    yield from + 1;
  }

  async close(): Promise<void> {
    this.#done.push('closed');
  }
}

function aShelf() {
  const done: string[] = [];
  const open = async (): Promise<Shelf> => new TestShelf(done);
  return { done, port: whenAsked<Shelf>(open, { sequences: ['all'] }) };
}

test('it is opened once, however many ask at once, and answers as what was opened does', async () => {
  const { done, port } = aShelf();
  expect(await Promise.all([port.find('a'), port.find('b')])).toEqual(['a!', 'b!']);
  expect(done).toEqual(['opened']);
});

test('a sequence is given as it comes, and opens the port with its first element', async () => {
  const { done, port } = aShelf();
  const sequence = port.all(7);
  expect(done).toEqual([]);
  const given: number[] = [];
  for await (const each of sequence) given.push(each);
  expect(given).toEqual([7, 8]);
  expect(done).toEqual(['opened']);
});

test('what nobody asked is closed without being opened, and what was asked is closed', async () => {
  const unasked = aShelf();
  await unasked.port.close();
  expect(unasked.done).toEqual([]);
  const asked = aShelf();
  await asked.port.find('a');
  await asked.port.close();
  expect(asked.done).toEqual(['opened', 'closed']);
});

test('it can be given through a promise without being asked anything', async () => {
  const { done, port } = aShelf();
  expect(await Promise.resolve(port)).toBe(port);
  expect(done).toEqual([]);
});
