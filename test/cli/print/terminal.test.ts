// What data may do to a terminal: nothing.
import { describe, expect, test } from '@jest/globals';
import { formatLogLine } from '#cli/print/log-line.ts';
import { formatTable } from '#cli/print/table.ts';
import { oneLine, withoutControls } from '#cli/terminal.ts';

const plain = (_: unknown, text: string): string => text;

describe('text from data cannot drive the terminal', () => {
  test.each([
    ['an escape sequence', '\u001b[2Jgone', '\ufffd[2Jgone'],
    ['a bell and a carriage return', 'a\u0007b\rc', 'a\ufffdb\ufffdc'],
    ['a title change of the C1 set', '\u009d0;x\u009c', '\ufffd0;x\ufffd'],
    ['text that reads backwards', 'abc\u202edcba', 'abc\ufffddcba'],
  ])('%s is shown as a replacement character', (_, given, shown) => expect(withoutControls(given)).toBe(shown));

  test('line ends and tabs stay', () => expect(withoutControls('a\n\tb')).toBe('a\n\tb'));

  test('one line is one line, and not too long', () => {
    expect(oneLine('a\n  b\tc')).toBe('a b c');
    expect(oneLine('x'.repeat(500), 10)).toBe(`${'x'.repeat(9)}…`);
  });

  test('a table cell with a line end and an escape stays in its row', () => {
    const table = formatTable([{ heading: 'a', cell: (row: string) => row }], ['x\n\u001b[31my', '']);
    expect(table).toBe('A\nx \ufffd[31my\n-\n');
  });

  test('columns are aligned, numbers to the right', () => {
    const columns = [
      { heading: 'name', cell: (row: readonly [string, number]) => row[0] },
      { heading: 'lag', cell: (row: readonly [string, number]) => String(row[1]), align: 'right' as const },
      { heading: 'to', cell: () => 'out' },
    ];
    expect(
      formatTable(columns, [
        ['a', 12_000],
        ['longer', 3],
      ]),
    ).toBe('NAME      LAG  TO\na       12000  out\nlonger      3  out\n');
  });

  test('a log line becomes level, message and fields; its message cannot hold escapes', () => {
    const line = JSON.stringify({ level: 40, msg: 'slow \u001b[1m', lagRecords: 12, pid: 4, job: 'a.b' });
    expect(formatLogLine(line, plain)).toBe('warn  slow \ufffd[1m lagRecords=12');
    expect(formatLogLine('no json \u001b[0m', plain)).toBe('no json \ufffd[0m');
  });
});
