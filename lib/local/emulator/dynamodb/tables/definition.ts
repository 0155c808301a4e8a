import { optionalObjects, optionalString } from '../../input.ts';
import type { JsonObject } from '../../service.ts';
import { validationError } from '../errors.ts';
import type { KeyAttribute, KeySchema } from './key-schema.ts';

const TABLE_NAME = /^[a-zA-Z0-9_.-]{3,255}$/;

/** What of CreateTable the emulator has no use for but may ignore: it changes no answer of the actions here. */
const IGNORED = new Set([
  'Tags',
  'SSESpecification',
  'TableClass',
  'DeletionProtectionEnabled',
  'OnDemandThroughput',
]);
const KNOWN = new Set([
  'TableName',
  'KeySchema',
  'AttributeDefinitions',
  'BillingMode',
  'ProvisionedThroughput',
]);

/**
 * Checks what CreateTable asks for.
 * @throws ValidationException where it is wrong, or asks for what the emulator has not: indexes and streams.
 */
export function tableDefinition(input: JsonObject): { name: string; schema: KeySchema } {
  const name = newTableName(input);
  for (const member of Object.keys(input))
    if (!KNOWN.has(member) && !IGNORED.has(member))
      throw validationError(`The emulator creates no table with ${member}: leave it out.`);
  const billing = optionalString(input, 'BillingMode') ?? 'PROVISIONED';
  if (billing !== 'PAY_PER_REQUEST' && billing !== 'PROVISIONED')
    throw validationError(
      `1 validation error detected: Value '${billing}' at 'billingMode' failed to satisfy constraint: Member must satisfy enum value set: [PROVISIONED, PAY_PER_REQUEST]`,
    );
  if (billing === 'PROVISIONED' && input.ProvisionedThroughput === undefined)
    throw validationError(
      'One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED',
    );
  return { name, schema: keySchema(input) };
}

function newTableName(input: JsonObject): string {
  const name = optionalString(input, 'TableName');
  if (name === undefined)
    throw validationError("The parameter 'TableName' is required but was not present in the request");
  if (!TABLE_NAME.test(name))
    throw validationError(
      name.length < 3 || name.length > 255
        ? 'TableName must be at least 3 characters long and at most 255 characters long'
        : `1 validation error detected: Value '${name}' at 'tableName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+`,
    );
  return name;
}

function keySchema(input: JsonObject): KeySchema {
  const elements = optionalObjects(input, 'KeySchema') ?? [];
  const [hash, range] = elements;
  if (hash === undefined || elements.length > 2)
    throw validationError(
      `1 validation error detected: Value '[]' at 'keySchema' failed to satisfy constraint: Member must have length ${hash === undefined ? 'greater than or equal to 1' : 'less than or equal to 2'}`,
    );
  if (optionalString(hash, 'KeyType') !== 'HASH')
    throw validationError('Invalid KeySchema: The first KeySchemaElement is not a HASH key type');
  if (range !== undefined && optionalString(range, 'KeyType') !== 'RANGE')
    throw validationError('Invalid KeySchema: The second KeySchemaElement is not a RANGE key type');
  const definitions = optionalObjects(input, 'AttributeDefinitions') ?? [];
  const schema = {
    hash: keyAttribute(hash, definitions),
    ...(range === undefined ? {} : { range: keyAttribute(range, definitions) }),
  };
  if (schema.hash.name === schema.range?.name)
    throw validationError('Both the Hash Key and the Range Key element in the KeySchema have the same name');
  if (definitions.length !== elements.length)
    throw validationError(
      'One or more parameter values were invalid: Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions',
    );
  return schema;
}

function keyAttribute(element: JsonObject, definitions: readonly JsonObject[]): KeyAttribute {
  const name = optionalString(element, 'AttributeName') ?? '';
  const definition = definitions.find((candidate) => candidate.AttributeName === name);
  const type = definition === undefined ? undefined : optionalString(definition, 'AttributeType');
  if (type === undefined)
    throw validationError(
      `One or more parameter values were invalid: Some index key attributes are not defined in AttributeDefinitions. Keys: [${name}]`,
    );
  if (type !== 'S' && type !== 'N' && type !== 'B')
    throw validationError(
      `1 validation error detected: Value '${type}' at 'attributeDefinitions.attributeType' failed to satisfy constraint: Member must satisfy enum value set: [B, N, S]`,
    );
  return { name, type };
}
