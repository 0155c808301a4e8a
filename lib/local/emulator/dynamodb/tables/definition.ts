import { optionalObjects, optionalString } from '../../action-input.ts';
import type { JsonObject } from '../../emulated-service.ts';
import { constraintError, validationError } from '../dynamodb-errors.ts';
import type { KeyAttribute, KeySchema } from './key-schema.ts';

const TABLE_NAME = /^[a-zA-Z0-9_.-]{3,255}$/;

/**
 * Reads the name and the key schema from the input of CreateTable.
 * @throws ValidationException for invalid input.
 */
export function tableDefinition(input: JsonObject): { name: string; schema: KeySchema } {
  const name = newTableName(input);
  const billing = optionalString(input, 'BillingMode') ?? 'PROVISIONED';
  if (billing !== 'PAY_PER_REQUEST' && billing !== 'PROVISIONED')
    throw constraintError(billing, 'billingMode', 'satisfy enum value set: [PROVISIONED, PAY_PER_REQUEST]');
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
    throw constraintError(name, 'tableName', `satisfy regular expression pattern: ${TABLE_NAME.source}`);
  return name;
}

function keySchema(input: JsonObject): KeySchema {
  const elements = optionalObjects(input, 'KeySchema') ?? [];
  const [hash, range] = elements;
  if (hash === undefined || elements.length > 2)
    throw constraintError('[]', 'keySchema', 'have length from 1 to 2');
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
    throw constraintError(type, 'attributeDefinitions.attributeType', 'satisfy enum value set: [B, N, S]');
  return { name, type };
}
