// What the grammar of PostgreSQL has and an expression over one event has not, refused by its name.
import type { FuncCall, Node } from 'libpg-query';
import { Refusal } from '../problem.ts';

const nodeNames: Readonly<Record<string, string>> = {
  SubLink: 'a subquery',
  ParamRef: 'a parameter ($1)',
  SetToDefault: 'DEFAULT',
  GroupingFunc: 'GROUPING',
  RowExpr: 'a row',
  XmlExpr: 'an XML function',
  XmlSerialize: 'XMLSERIALIZE',
  CollateClause: 'a COLLATE other than "C"',
  JsonIsPredicate: 'IS JSON',
  JsonFuncExpr: 'an SQL/JSON function',
  JsonObjectConstructor: 'JSON_OBJECT',
  JsonArrayConstructor: 'JSON_ARRAY',
  CurrentOfExpr: 'CURRENT OF',
  MultiAssignRef: 'an assignment',
  NamedArgExpr: 'a named argument',
};

const volatileHint = 'an event’s result may not depend on when or where it is processed';

export function refuseNode(node: Node, at: number): never {
  const kind = Object.keys(node)[0]!;
  if (kind === 'SQLValueFunction') {
    const name = ((Object.values(node)[0] as { op?: string }).op ?? '').replace(/^SVFOP_/, '');
    throw new Refusal(
      'feature_not_supported',
      `${name} is not allowed: it depends on the clock or the session`,
      at,
      volatileHint,
    );
  }
  throw new Refusal('feature_not_supported', `${nodeNames[kind] ?? kind} is not supported in an expression`, at);
}

const aggregates: ReadonlySet<string> = new Set(
  (
    'count sum avg min max array_agg string_agg json_agg jsonb_agg json_object_agg jsonb_object_agg bool_and bool_or every bit_and bit_or ' +
    'bit_xor stddev stddev_pop stddev_samp variance var_pop var_samp corr mode percentile_cont percentile_disc any_value'
  ).split(' '),
);
const windows: ReadonlySet<string> = new Set(
  'row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value nth_value'.split(' '),
);
const volatiles: ReadonlySet<string> = new Set(
  (
    'now clock_timestamp statement_timestamp transaction_timestamp timeofday random random_normal gen_random_uuid uuidv4 uuidv7 setseed ' +
    'nextval currval lastval pg_sleep txid_current current_setting set_config pg_backend_pid version'
  ).split(' '),
);
const sets: ReadonlySet<string> = new Set(
  (
    'unnest generate_series generate_subscripts regexp_matches regexp_split_to_table string_to_table jsonb_array_elements ' +
    'jsonb_array_elements_text jsonb_each jsonb_each_text jsonb_object_keys json_array_elements'
  ).split(' '),
);

export function refuseFunction(call: FuncCall, name: string, at: number): void {
  const refuse = (why: string, hint?: string): never => {
    throw new Refusal('feature_not_supported', why, at, hint);
  };
  if (call.over !== undefined || windows.has(name))
    refuse(`window function ${name}() is not allowed: an expression sees one event`);
  if (call.agg_star === true || aggregates.has(name))
    refuse(`aggregate ${name}() is not allowed: an expression sees one event`);
  if (call.agg_distinct === true || call.agg_order !== undefined || call.agg_filter !== undefined) {
    refuse(`DISTINCT, ORDER BY and FILTER belong to aggregates; ${name}() takes none`);
  }
  if (volatiles.has(name))
    refuse(`function ${name}() is not allowed: its result changes from call to call`, volatileHint);
  if (sets.has(name)) refuse(`function ${name}() is not allowed: it gives a set of rows`);
  if (call.func_variadic === true) refuse('VARIADIC is not supported');
  if (name === 'age' && call.args?.length === 1)
    refuse('age() of one timestamp depends on the clock', 'give both timestamps');
}
