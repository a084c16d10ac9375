/** What the document says of errors, in Chinese. */
export const CHINESE_ERRORS: Readonly<Record<string, string>> = {
  'Two different keys were sent, or a header with a key twice.':
    '给了两个不同的密钥，或者同一个密钥请求头出现了两次。',
  'A quota of cost applies, and the model has no price.': '有费用配额起作用，而该模型没有定价。',
  'Not JSON, or a member is wrong: see `param`.': '不是 JSON，或某个字段不对：见 `param`。',
  'The body is not UTF-8.': '请求体不是 UTF-8。',
  'This is no HTTP/1.1 as it should be.': '不是正确的 HTTP/1.1。',
  '`anthropic-version` or `anthropic-beta` is not written as Anthropic has it.':
    '`anthropic-version` 或 `anthropic-beta` 的写法不对。',
  'A parameter is wrong: see `param`.': '某个参数不对：见 `param`。',
  'An id in the path is none.': '路径里的 id 不对。',
  'The `Idempotency-Key` is not one text of 1 to 255 printable characters.':
    '`Idempotency-Key` 不是 1 到 255 个可打印字符的一段文本。',
  'No key, or one that is mistyped, unknown or deleted.': '没有密钥，或密钥输错、不存在、已删除。',
  'The key is disabled.': '密钥已停用。',
  'The key has expired.': '密钥已过期。',
  'No correct token.': '没有正确的令牌。',
  'The key may not be used from this address.': '该密钥不能从这个地址使用。',
  'The key may not use this model.': '该密钥不能用这个模型。',
  'No upstream has such a model, or it is not for this key.': '没有哪个上游有这个模型，或该密钥不能用。',
  'The admin API is not reached from this address, or applications are not taken here.':
    '不能从这个地址访问管理接口，或没有开放申请。',
  'The claim token, or the id, is of no application.': '没有与这个领取令牌或 id 对应的申请。',
  'There never was such a key, or it is deleted and was to be changed.':
    '从来没有过这个密钥，或者要修改的密钥已被删除。',
  'There is no such receipt.': '没有这条计费明细。',
  'There is no such backup.': '没有这份备份。',
  'The request took too long to arrive.': '请求太久没有传完。',
  'The application was rejected or claimed, or has expired.': '申请已被拒绝、已领取或已失效。',
  'A call with this `Idempotency-Key` is still being answered: wait for `Retry-After`.':
    '带有这个 `Idempotency-Key` 的调用还在处理：过 `Retry-After` 秒再试。',
  '`BACKUP_TARGET` is not set.': '没有设置 `BACKUP_TARGET`。',
  'The place of the backups belongs to another database.': '备份的位置属于另一个数据库。',
  'Another server writes there at the same time.': '另一台服务器同时在那里写入。',
  'The key was shown, and is not shown again.': '密钥已经显示过，不会再显示。',
  'Nobody decided or claimed in time.': '没有及时审核或领取。',
  'The body is too large.': '请求体太大。',
  'No `Content-Type: application/json`.': '没有 `Content-Type: application/json`。',
  'The body is compressed.': '请求体被压缩了。',
  'This `Idempotency-Key` was used for another call.': '这个 `Idempotency-Key` 已经用于另一个调用。',
  'A credential that is none, and too many of them came from this address. A correct one gets in at any time.':
    '凭据不正确，而且来自该地址的错误尝试太多。正确的凭据任何时候都能用。',
  'Too many requests at once or per minute: wait for `Retry-After`.':
    '同时进行的请求太多，或每分钟的请求太多：等 `Retry-After` 秒。',
  'A quota does not hold this request. The message says when it starts anew.':
    '配额容不下这个请求，提示里写明何时恢复。',
  'The service is at the limit of its provider. Nothing is charged: wait for `Retry-After`.':
    '已达到服务商允许的上限，不扣额度：等 `Retry-After` 秒。',
  'The headers are too large.': '请求头太大。',
  'The client hung up while it waited for that: for the log alone.':
    '客户端在排队时断开，只出现在日志和计费明细里。',
  'A bug: the log has the reason, under the request id.': '程序错误：原因在日志里，按请求 id 查找。',
  'The backup is encrypted for another key.': '这份备份是用另一把密钥加密的。',
  'The copy of the database did not pass its check.': '数据库的副本没有通过检查。',
  'No connection to the upstream. Nothing is charged.': '连不上上游，不扣额度。',
  'Its answer was cut off, is not HTTP, or is over 32 MiB.': '上游的响应中断、不是 HTTP，或超过 32 MiB。',
  'The bucket or directory refused, or did not answer.': '存储桶或目录拒绝了请求，或没有响应。',
  'Something in the bucket cannot be read.': '存储桶里有内容无法读取。',
  'It refuses this service at the moment.': '上游目前拒绝本服务。',
  'The server stops.': '服务正在停止。',
  'Nothing can be recorded; nothing was forwarded.': '无法记录；没有向上游发送任何内容。',
  'No room for the body of this request, or for its connection: wait for `Retry-After`.':
    '容不下这个请求的请求体或连接：等 `Retry-After` 秒。',
  'As many wait as may.': '等待审核的申请已达上限。',
  'The upstream did not answer in time.': '上游没有按时响应。',
  'There is no room for the copy.': '没有空间放副本。',
};
