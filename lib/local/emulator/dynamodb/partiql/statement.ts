import type { Condition } from '../expressions/condition.ts';
import type { DocumentPath } from '../expressions/document-path.ts';
import type { Operand } from '../expressions/operand.ts';
import type { UpdateAction } from '../expressions/update.ts';
import type { UpdateReturn } from '../update-return.ts';

/** A PartiQL statement, parsed; `?` are parameter operands, counted from 0. */
export type Statement = { readonly tableName: string; readonly parameterCount: number } & (
  | { readonly kind: 'insert'; readonly item: Extract<Operand, { kind: 'map' }> }
  | {
      readonly kind: 'select';
      /** Undefined for `*`. */
      readonly paths: readonly DocumentPath[] | undefined;
      readonly where: Condition | undefined;
    }
  | {
      readonly kind: 'update';
      readonly actions: readonly UpdateAction[];
      readonly where: Condition;
      readonly returning: UpdateReturn;
    }
  | { readonly kind: 'delete'; readonly where: Condition; readonly returning: UpdateReturn }
);

/** A statement of one kind. */
export type StatementOf<K extends Statement['kind']> = Extract<Statement, { kind: K }>;
