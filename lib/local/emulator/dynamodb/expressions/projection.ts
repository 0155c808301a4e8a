import { optionalString } from '../../input.ts';
import type { JsonObject } from '../../service.ts';
import type { AttributeValue, Item } from '../values/attribute-value.ts';
import { child, type DocumentPath, pathsOverlap, pathText, readPath } from './document-path.ts';
import type { Placeholders } from './placeholders.ts';
import { TokenReader } from './token-reader.ts';

/**
 * Reads `ProjectionExpression`: the paths to return, or undefined for the whole item.
 * @throws ValidationException where it is malformed or two paths overlap.
 */
export function readProjection(input: JsonObject, placeholders: Placeholders): DocumentPath[] | undefined {
  const text = optionalString(input, 'ProjectionExpression');
  if (text === undefined) return undefined;
  const reader = new TokenReader('ProjectionExpression', text);
  const paths: DocumentPath[] = [];
  do {
    const path = readPath(reader, placeholders);
    const other = paths.find((earlier) => pathsOverlap(earlier, path));
    if (other !== undefined)
      throw reader.invalid(
        `Two document paths overlap with each other; must remove or rewrite one of these paths; path one: ${pathText(other)}, path two: ${pathText(path)}`,
      );
    paths.push(path);
  } while (reader.takeSymbol(',') !== undefined);
  reader.expectEnd();
  return paths;
}

/** The parts of an item that the paths lead to, nested as they stand; picked list elements close up. */
export function project(item: Item, paths: readonly DocumentPath[] | undefined): Item {
  if (paths === undefined) return item;
  const picked = pick({ M: item }, paths, 0);
  return picked !== undefined && 'M' in picked ? picked.M : {};
}

function pick(
  value: AttributeValue,
  paths: readonly DocumentPath[],
  depth: number,
): AttributeValue | undefined {
  const steps = new Map<string | number, DocumentPath[]>();
  for (const path of paths) {
    const step = path[depth];
    if (step === undefined) return value;
    steps.set(step, [...(steps.get(step) ?? []), path]);
  }
  const found: [string | number, AttributeValue][] = [];
  for (const [step, deeper] of steps) {
    const inner = child(value, step);
    const part = inner === undefined ? undefined : pick(inner, deeper, depth + 1);
    if (part !== undefined) found.push([step, part]);
  }
  if (found.length === 0) return undefined;
  if ('M' in value) return { M: Object.fromEntries(found) };
  return { L: found.sort(([a], [b]) => Number(a) - Number(b)).map(([, part]) => part) };
}
