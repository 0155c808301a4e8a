const SINGLE_READ = 'ConsistentRead ProjectionExpression ExpressionAttributeNames ReturnConsumedCapacity';
const WRITE =
  'TableName ConditionExpression ExpressionAttributeNames ExpressionAttributeValues ReturnConsumedCapacity ' +
  'ReturnValues ReturnValuesOnConditionCheckFailure';
const SCAN = `TableName ${SINGLE_READ} Limit ExclusiveStartKey`;

/** The parameters of every operation, without those inside lists, which the operations check themselves. */
const PARAMETERS: Readonly<Record<string, string>> = {
  'AmazonSQS.CreateQueue': 'QueueName Attributes',
  'AmazonSQS.DeleteQueue': 'QueueUrl',
  'AmazonSQS.GetQueueUrl': 'QueueName',
  'AmazonSQS.ListQueues': 'QueueNamePrefix',
  'AmazonSQS.GetQueueAttributes': 'QueueUrl AttributeNames',
  'AmazonSQS.SetQueueAttributes': 'QueueUrl Attributes',
  'AmazonSQS.ListDeadLetterSourceQueues': 'QueueUrl',
  'AmazonSQS.PurgeQueue': 'QueueUrl',
  'AmazonSQS.SendMessage':
    'QueueUrl MessageBody DelaySeconds MessageAttributes MessageGroupId MessageDeduplicationId',
  'AmazonSQS.SendMessageBatch': 'QueueUrl Entries',
  'AmazonSQS.ReceiveMessage':
    'QueueUrl MaxNumberOfMessages VisibilityTimeout WaitTimeSeconds ' +
    'AttributeNames MessageSystemAttributeNames MessageAttributeNames',
  'AmazonSQS.DeleteMessage': 'QueueUrl ReceiptHandle',
  'AmazonSQS.DeleteMessageBatch': 'QueueUrl Entries',
  'AmazonSQS.ChangeMessageVisibility': 'QueueUrl ReceiptHandle VisibilityTimeout',
  'AmazonSQS.ChangeMessageVisibilityBatch': 'QueueUrl Entries',
  'AmazonSQS.StartMessageMoveTask': 'SourceArn DestinationArn MaxNumberOfMessagesPerSecond',
  'AmazonSQS.ListMessageMoveTasks': 'SourceArn MaxResults',
  'AmazonSQS.CancelMessageMoveTask': 'TaskHandle',
  // Accepted without effect: Tags, SSESpecification, TableClass, DeletionProtectionEnabled, OnDemandThroughput.
  'DynamoDB_20120810.CreateTable':
    'TableName KeySchema AttributeDefinitions BillingMode ProvisionedThroughput ' +
    'Tags SSESpecification TableClass DeletionProtectionEnabled OnDemandThroughput',
  'DynamoDB_20120810.DescribeTable': 'TableName',
  'DynamoDB_20120810.DeleteTable': 'TableName',
  'DynamoDB_20120810.ListTables': '',
  'DynamoDB_20120810.UpdateTimeToLive': 'TableName TimeToLiveSpecification',
  'DynamoDB_20120810.DescribeTimeToLive': 'TableName',
  'DynamoDB_20120810.GetItem': `TableName Key ${SINGLE_READ}`,
  'DynamoDB_20120810.PutItem': `Item ${WRITE}`,
  'DynamoDB_20120810.UpdateItem': `Key UpdateExpression ${WRITE}`,
  'DynamoDB_20120810.DeleteItem': `Key ${WRITE}`,
  'DynamoDB_20120810.Query': `KeyConditionExpression ExpressionAttributeValues ScanIndexForward ${SCAN}`,
  'DynamoDB_20120810.Scan': SCAN,
  'DynamoDB_20120810.BatchGetItem': 'RequestItems ReturnConsumedCapacity',
  'DynamoDB_20120810.ExecuteStatement': 'Statement Parameters ReturnConsumedCapacity',
  'DynamoDB_20120810.BatchExecuteStatement': 'Statements ReturnConsumedCapacity',
  'AWSEvents.CreateEventBus': 'Name EventSourceName',
  'AWSEvents.CreatePartnerEventSource': 'Name Account',
  'AWSEvents.DescribeEventSource': 'Name',
  'AWSEvents.DeleteEventBus': 'Name',
  'AWSEvents.DescribeEventBus': 'Name',
  'AWSEvents.ListEventBuses': 'NamePrefix',
  'AWSEvents.PutRule': 'Name EventBusName EventPattern State Description',
  'AWSEvents.DeleteRule': 'Name EventBusName',
  'AWSEvents.DescribeRule': 'Name EventBusName',
  'AWSEvents.ListRules': 'NamePrefix EventBusName',
  'AWSEvents.PutTargets': 'Rule EventBusName Targets',
  'AWSEvents.RemoveTargets': 'Rule EventBusName Ids',
  'AWSEvents.ListTargetsByRule': 'Rule EventBusName',
  'AWSEvents.PutEvents': 'Entries',
  'AWSEvents.PutPartnerEvents': 'Entries',
  // Accepted without effect: Description.
  'secretsmanager.CreateSecret': 'Name ClientRequestToken Description SecretString SecretBinary',
  'secretsmanager.GetSecretValue': 'SecretId VersionStage',
  'secretsmanager.PutSecretValue': 'SecretId ClientRequestToken SecretString SecretBinary',
  // Accepted without effect: RecoveryWindowInDays, ForceDeleteWithoutRecovery. A secret is deleted at once.
  'secretsmanager.DeleteSecret': 'SecretId RecoveryWindowInDays ForceDeleteWithoutRecovery',
  'Logs_20140328.CreateLogGroup': 'logGroupName',
  'Logs_20140328.DeleteLogGroup': 'logGroupName',
  'Logs_20140328.CreateLogStream': 'logGroupName logStreamName',
  'Logs_20140328.PutLogEvents': 'logGroupName logStreamName logEvents',
  'Logs_20140328.FilterLogEvents':
    'logGroupName logStreamNames logStreamNamePrefix startTime endTime limit nextToken',
  'GraniteServiceVersion20100801.PutMetricData':
    'Namespace MetricData EntityMetricData StrictEntityValidation',
};

/** The parameters that an operation supports, by its target such as `AmazonSQS.SendMessage`. */
export function supportedParameters(target: string): readonly string[] {
  return PARAMETERS[target]?.match(/\S+/g) ?? [];
}
