/** Characters that SQS accepts in a message body (SendMessage, parameter MessageBody). */
export const SQS_TEXT = /^[\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]*$/u;
