// What AWS would answer to a request under identity policies: explicit deny, else allow, else deny; with variables and conditions.
//
// After "Policy evaluation logic" of the IAM documentation, for identity policies of one account. A condition operator or
// a template function that is not known here throws: an evaluator must not guess in anybody's favour.

export interface Statement {
  readonly Effect: 'Allow' | 'Deny';
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export interface Request {
  readonly action: string;
  readonly resource: string;
  /** Keys in lower case, as IAM compares them; a key with several values is a list. */
  readonly context: Readonly<Record<string, string | readonly string[]>>;
}

const list = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(String) : [String(value)]);

/** `*` any characters, `?` one; `${key}` the request's value, literally. Null: a variable that the request does not have. */
function pattern(text: string, context: Request['context']): RegExp | null {
  let missing = false;
  const escaped = (part: string): string => part.replaceAll(/[.+^$(){}|[\]\\]/g, '\\$&');
  const source = text
    .split(/(\$\{[^}]+\})/)
    .map((part) => {
      const variable = /^\$\{([^}]+)\}$/.exec(part);
      if (!variable) return escaped(part).replaceAll('*', '.*').replaceAll('?', '.');
      const value = context[variable[1]!.toLowerCase()];
      if (typeof value !== 'string') missing = true;
      return escaped(String(value)).replaceAll('*', '\\*').replaceAll('?', '\\?');
    })
    .join('');
  return missing ? null : new RegExp(`^${source}$`, 's');
}

const matches = (wanted: unknown, value: string, context: Request['context']): boolean =>
  list(wanted).some((text) => pattern(text, context)?.test(value) ?? false);

const operators: Readonly<
  Record<string, (wanted: unknown, values: readonly string[], context: Request['context']) => boolean>
> = {
  StringEquals: (wanted, values, context) => values.some((value) => matches(wanted, value, context)),
  StringLike: (wanted, values, context) => values.some((value) => matches(wanted, value, context)),
  ArnEquals: (wanted, values, context) => values.some((value) => matches(wanted, value, context)),
  ArnLike: (wanted, values, context) => values.some((value) => matches(wanted, value, context)),
  'ForAllValues:StringEquals': (wanted, values, context) => values.every((value) => matches(wanted, value, context)),
};

function holds(condition: Statement['Condition'], context: Request['context']): boolean {
  return Object.entries(condition ?? {}).every(([operator, keys]) =>
    Object.entries(keys).every(([key, wanted]) => {
      const given = context[key.toLowerCase()];
      if (operator === 'Null') return list(wanted)[0] === String(given === undefined);
      const evaluate = operators[operator];
      if (!evaluate) throw new Error(`the condition operator ${operator} is not known to the evaluator`);
      // "ForAllValues" is true where the request has no such key; the others are false.
      if (given === undefined) return operator.startsWith('ForAllValues:');
      return evaluate(wanted, list(given), context);
    }),
  );
}

const applies = (statement: Statement, { action, resource, context }: Request): boolean =>
  list(statement.Action).some((each) => pattern(each.toLowerCase(), {})?.test(action.toLowerCase())) &&
  matches(statement.Resource, resource, context) &&
  holds(statement.Condition, context);

export function isAllowed(statements: readonly Statement[], request: Request): boolean {
  const fitting = statements.filter((statement) => applies(statement, request));
  return fitting.some(({ Effect }) => Effect === 'Allow') && !fitting.some(({ Effect }) => Effect === 'Deny');
}

/** A synthesized policy with its references replaced: `values` gives what `Ref` and `Fn::GetAtt` stand for. */
export function resolveTemplate(node: unknown, values: (reference: string) => string): unknown {
  if (Array.isArray(node)) return node.map((each) => resolveTemplate(each, values));
  if (typeof node !== 'object' || node === null) return node;
  const entries = Object.entries(node);
  const [name, argument] = entries[0] ?? ['', null];
  if (entries.length === 1 && (name === 'Ref' || name.startsWith('Fn::')))
    return callFunction(name, name === 'Fn::Join' ? argument : resolveTemplate(argument, values), values);
  return Object.fromEntries(entries.map(([key, value]) => [key, resolveTemplate(value, values)]));
}

function callFunction(name: string, argument: unknown, values: (reference: string) => string): unknown {
  switch (name) {
    case 'Ref':
      return values(String(argument));
    case 'Fn::GetAtt':
      return values(list(argument).join('.'));
    case 'Fn::ImportValue':
      return values(String(argument));
    case 'Fn::Split': {
      const [separator, text] = argument as [string, string];
      return text.split(separator);
    }
    case 'Fn::Join': {
      const [separator, parts] = argument as [string, unknown];
      return (resolveTemplate(parts, values) as readonly string[]).join(separator);
    }
    default:
      throw new Error(`the template function ${name} is not known to the evaluator`);
  }
}
