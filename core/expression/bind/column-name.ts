// The name that PostgreSQL gives an output column without AS; null where it has none better than `?column?`.
import type { Node } from 'libpg-query';
import { stringOf } from './paths.ts';
import { readTypeName } from './type-name.ts';

export function columnName(node: Node): string | null {
  if ('ColumnRef' in node) return lastName(node.ColumnRef.fields);
  if ('FuncCall' in node) return lastName(node.FuncCall.funcname);
  if ('A_Indirection' in node) return lastName(node.A_Indirection.indirection) ?? columnName(node.A_Indirection.arg!);
  if ('TypeCast' in node) return columnName(node.TypeCast.arg!) ?? readTypeName(node.TypeCast.typeName!, 0).written;
  if ('CollateClause' in node) return columnName(node.CollateClause.arg!);
  if ('CaseExpr' in node) {
    const otherwise = node.CaseExpr.defresult;
    return (otherwise === undefined ? null : columnName(otherwise)) ?? 'case';
  }
  if ('CoalesceExpr' in node) return 'coalesce';
  if ('MinMaxExpr' in node) return node.MinMaxExpr.op === 'IS_LEAST' ? 'least' : 'greatest';
  if ('A_ArrayExpr' in node) return 'array';
  if ('A_Expr' in node && node.A_Expr.kind === 'AEXPR_NULLIF') return 'nullif';
  return null;
}

function lastName(names: readonly Node[] | undefined): string | null {
  const texts = (names ?? []).map(stringOf).filter((text) => text !== null);
  return texts.at(-1) ?? null;
}
