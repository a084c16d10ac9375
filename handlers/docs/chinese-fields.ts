/** What the document says of parameters, headers and the members of bodies, in Chinese. */
export const CHINESE_FIELDS: Readonly<Record<string, string>> = {
  'Only the members that metering reads are described: everything else passes untouched, and the answer is that of the upstream.':
    '这里只列出计量要读的字段：其余内容原样转发，响应即上游的响应。',
  'Whether the answer comes as server-sent events': '是否以 SSE 流式返回',
  '`include_usage` is set for the upstream in any case': '发给上游时一律设置 `include_usage`',
  'Answers; each costs its output': '回答的个数；每个都计输出',
  'Answers to each prompt; each costs its output': '每个提示的回答个数；每个都计输出',
  'Bounds the output. The least of such members counts, and is lowered to what a quota holds.':
    '输出上限。这类字段取其中最小的；配额容不下时会下调。',
  "Bounds the output. The least of such members counts, and is lowered to what a quota holds. 16 if none is sent, as in OpenAI's API.":
    '输出上限。这类字段取其中最小的；配额容不下时会下调。都没写则为 16，与 OpenAI 的接口相同。',
  'Bounds the output, and is lowered to what a quota holds': '输出上限；配额容不下时会下调',
  'Bounds the output, as servers of other APIs do. The least of such members counts':
    '输出上限，其他接口的写法。这类字段取其中最小的',
  'A text, a list of tokens, or a list of at most 2048 of these: each is answered, and costs its output':
    '一段文本、一组 token，或最多 2048 个这样的内容组成的数组：每个都有回答，都计输出',
  'A text, or a list of what the upstream takes': '一段文本，或上游接受的数组',
  'A text, or a list of items. References to items that the provider keeps are refused':
    '一段文本，或条目的数组。引用保存在服务商那里的条目会被拒绝',
  'May have slashes in it': '可以含有斜杠',

  'Names this call in the log, and its receipt': '在日志里标识这次调用，也是计费明细的 id',
  'Requests per minute, where a rate limit applies': '每分钟请求数，有速率限制时才有',
  'Tokens per minute, where such a quota applies': '每分钟 token 数，有这种配额时才有',
  'What is left of them': '还剩多少',
  'Until all of them are there again': '多久之后全部恢复',
  'Until the quota starts anew': '多久之后配额重新开始',
  'The least that is left of any quota of requests': '各请求数配额中最少的余量',
  'The least that is left of any quota of tokens': '各 token 配额中最少的余量',
  'The least that is left of any quota of cost, in micros': '各费用配额中最少的余量，单位百万分之一',
  'All limits, in the words of the IETF draft': '全部限制，按 IETF 草案的写法',
  'The output that was reserved, where the proxy set or lowered it':
    '预留的输出量，代理设置或下调了上限时才有',
  '`true`: a call with this `Idempotency-Key` was answered before, and this is that answer':
    '`true`：带有这个 `Idempotency-Key` 的调用已经响应过，这就是当时的响应',
  '`cursor` of the next page of a file; absent on the last one':
    '文件下一页的 `cursor`；最后一页没有这个响应头',
  'A text of your own, of 1 to 255 printable characters, such as a UUID. The same call again within a day with the same text is answered as before, and done once. In quotes it may have spaces, commas and escaped quotes, and is the same text.':
    '自己生成的一段文本，1 到 255 个可打印字符，例如 UUID。一天之内用同一文本重发同样的调用，只执行一次，响应也相同。加上引号，其中就可以有空格、逗号和转义的引号，仍视为同一文本。',

  'In milliseconds since 1970': '1970 年以来的毫秒数',
  'In milliseconds since 1970; null: never.': '1970 年以来的毫秒数；null：永不过期。',
  'In milliseconds since 1970; absent: now': '1970 年以来的毫秒数；不写：现在',
  'In milliseconds since 1970; absent or null: never': '1970 年以来的毫秒数；不写或 null：永不过期',
  'In milliseconds since 1970; null: never. A time that has passed ends the key at once.':
    '1970 年以来的毫秒数；null：永不过期。填过去的时间则立即失效。',
  'null: never': 'null：永不',
  'null: all': 'null：全部',
  'null: any': 'null：不限',
  'null: there is no rate limit': 'null：没有速率限制',
  'A sentence for each limit, for people. The wording may change': '每项限制一句话，给人看；措辞可能会变',
  'For requests in flight': '正在进行的请求所预留的',

  'Of the application': '申请的 id',
  'When it expires if nothing happens; null: never': '无人处理时何时失效；null：不会失效',
  'Only here: who has it has the key': '只在这里出现：拿到它就等于拿到密钥',
  'Path of the page, with the token in its fragment': '网页的路径，令牌在 `#` 之后',
  'What the key will be, or is; null: not approved': '密钥将有（或已有）的条件；null：未通过',
  'Counted from the claim; null: not so': '从领取时算起；null：不按天数',
  'null, like `expires_in_days`: never': '与 `expires_in_days` 同为 null：永不过期',
  'Until when a claim made again shows the key again; null: not claimed, or that is over':
    '在此之前再次领取会再次显示密钥；null：尚未领取，或已过时',
  'In full; for ten minutes the same claim shows it again': '完整密钥；十分钟内再次领取会再次显示',
  'What the applicant says that the key is for': '申请人填写的用途',
  'As it is told to the applicant': '会显示给申请人',
  'null: not approved': 'null：未通过',
  'Of the key that was made; null: none': '所生成的密钥的 id；null：没有生成',

  'Whose key it is, in any language': '密钥给谁的，可以用任何语言',
  '0: never. Without this and `expires_at`, KEY_EXPIRY_DAYS.':
    '0：永不过期。它和 `expires_at` 都不写，则按 KEY_EXPIRY_DAYS。',
  "The key's quotas, instead of the default one; [] is none. Without this and `daily_limit`, a day's quota of DAILY_REQ_LIMIT requests.":
    '密钥的配额，代替默认的那个；[] 表示没有。它和 `daily_limit` 都不写，则每天 DAILY_REQ_LIMIT 次请求。',
  '`cost` is in micros of the currency of the price table': '`cost` 以价格表货币的百万分之一为单位',
  'At most so much in each period; 0 allows nothing': '每个周期最多用多少；0 表示什么都不能用',
  "A day's quota, instead of the default one. It counts requests; null: no such quota. Adds to `quotas`, which must not name the same.":
    '每天的请求数配额，代替默认的那个；null：没有。与 `quotas` 合并，两者不能写同一个配额。',
  "An all-time quota, beside the day's. It counts requests; null: no such quota. Adds to `quotas`, which must not name the same.":
    '请求总数的配额，与每天的并存；null：没有。与 `quotas` 合并，两者不能写同一个配额。',
  'Models that the key may use; null: every model': '密钥可用的模型；null：全部',
  'Addresses and CIDR ranges that the key may be used from; null: everywhere':
    '密钥可以从哪些地址和网段（CIDR）使用；null：不限',
  "null: the proxy's own rate; 0: no rate limit": 'null：按代理的默认速率；0：不限',
  'Requests in flight at once; null: any': '同时进行的请求数；null：不限',
  'For your own use: at most 16 texts by name': '供你自己使用：最多 16 个键值，值为文本',
  'As it may be shown: `sk-ab12…wxyz`. The whole key in the answer to its making or rotation only.':
    '可公开的显示形式：`sk-ab12…wxyz`。完整密钥只在创建或轮换的响应里出现。',
  'The key before the last rotation, and when it stops working; null: only `key` works':
    '上次轮换之前的密钥，以及何时失效；null：只有 `key` 有效',
  'As it may be shown': '可公开的显示形式',
  'As it may be shown; null where keys are added up': '可公开的显示形式；合并各密钥时为 null',
  'Part of a label, of an id or of a key as it is shown': '标签、id 或密钥显示形式的一部分',
  "A key's id, or the key itself": '密钥的 id，或密钥本身',
  "A key's id, or the key itself; absent: all keys": '密钥的 id，或密钥本身；不写：所有密钥',
  'All quotas of the key from now on; [] is none. What was used stays counted.':
    '从现在起该密钥的全部配额，[] 表示没有。已用的照算。',
  'How long the old key goes on to work, up to 30 days; 0, and if absent: not at all':
    '旧密钥还能用多少秒，最多 30 天；0 或不写：立即失效',

  'The key as clients send it. Only its digest is kept, and what may be shown of it.':
    '客户端发送的密钥原文。只保存摘要和可公开的显示形式。',
  "[] is none; absent: a day's quota of DAILY_REQ_LIMIT requests, as a new key gets":
    '[] 表示没有；不写：每天 DAILY_REQ_LIMIT 次请求，与新密钥相同',
  'What the key used there, by day': '密钥在原系统的用量，按天',
  "A local day of this server's QUOTA_TIMEZONE, not after today":
    '按本服务 QUOTA_TIMEZONE 的日期，不晚于今天',
  'Of the requests; absent: all': '其中成功的；不写：全部',
  'Of the requests; absent: none': '其中出错的；不写：没有',
  'Of the prompt': '输入中命中缓存的',
  'Changes nothing, and says what would become of each key': '不做任何改动，只说明每个密钥会怎样',
  'One for each key, in order': '依次对应每个密钥',
  'null where no key is here under this secret': '这里没有这个密钥时为 null',
  '`importable`: a dry run, and it would be imported. `exists`: it is here already, and was left as it is.':
    '`importable`：这是试运行，正式执行时会导入。`exists`：已经在这里，保持原样。',
  'Why it is refused': '被拒绝的原因',
  'The local day of this server': '本服务当前的日期',
  'Those of PRICES_FILE: a key with a quota of cost may use no others':
    'PRICES_FILE 里的模型：有费用配额的密钥只能用这些',

  'One local day, YYYY-MM-DD': '某一天（当地日期），YYYY-MM-DD',
  'First local day': '第一天（当地日期）',
  'Last local day, included': '最后一天（当地日期），包含在内',
  'What an item of a day is; `month`: all of a month': '每天按什么分组；`month`：整月合计',
  'The order within a day: what was used most first, or by id and model, in which nothing moves between pages':
    '同一天之内的顺序：用得最多的在前，或按 id 和模型；后者在翻页期间顺序不变',
  'Items: 1 to 10000, 100 if absent': '条数：1 到 10000，不写为 100',
  'Items of a page: 1 to 200, 50 if absent': '每页条数：1 到 200，不写为 50',
  'Items of a page: 1 to 1000, 50 if absent': '每页条数：1 到 1000，不写为 50',
  '`next_cursor` of the page before': '上一页的 `next_cursor`',
  '`next_cursor` of the page before, of the same question': '上一页的 `next_cursor`，查询条件须相同',
  '`cursor` of the next page; null on the last one': '下一页的 `cursor`；最后一页为 null',
  '`csv` answers with a file of the items, and the cursor in the header `x-next-cursor`':
    '`csv`：把各条下载为文件，cursor 在响应头 `x-next-cursor` 里',
  '`csv` answers with a file of the page, and the cursor in the header `x-next-cursor`':
    '`csv`：把这一页下载为文件，cursor 在响应头 `x-next-cursor` 里',
  'The day that was asked for; null if none was': '查询的那一天；没有指定则为 null',
  'The store': '所用的存储',
  'Of a month: `2026-01`': '按月时形如 `2026-01`',
  'null where models are added up; empty for what was refused, whichever was asked for':
    '合并各模型时为 null；被拒绝的请求不区分模型，为空文本',
  'Admitted to the upstream': '放行到上游的',
  'Answered with a status below 400': '状态码低于 400 的',
  'Ended otherwise': '其他结果的',
  'Refused by this proxy. A crash may lose the last of these.': '被代理拒绝的。崩溃可能丢失最后几次。',
  'How many keys were reset': '重新计数的密钥数',

  'Made at or after, in milliseconds since 1970': '请求时间不早于，1970 年以来的毫秒数',
  'Made before, in milliseconds since 1970': '请求时间早于，1970 年以来的毫秒数',
  'Such as `/v1/chat/completions`': '例如 `/v1/chat/completions`',
  'A status of the answer, or a class of them: `429`, `5xx`': '响应的某个状态码或某一类：`429`、`5xx`',
  '`estimate`: what the upstream did not count': '`estimate`：上游没有统计的',
  '`true`: only what the upstream billed beyond the reservation': '`true`：只看上游计费超出预留的',
  '`x-request-id` of the answer': '响应的 `x-request-id`',
  'null while the request is open': '进行中时为 null',
  'What the upstream billed beyond the reservation': '上游的计费超出预留的部分',
  'As the upstream counted it': '以上游的统计为准',
  'Part of prompt_tokens': '包含在 prompt_tokens 之内',
  'Part of completion_tokens': '包含在 completion_tokens 之内',
  'Whether `used` is the upstream count, or the reservation for want of one':
    '`used` 是按上游的统计，还是没有统计而按预留额度',
  'Of the price table': '价格表的版本',
  'Per million tokens': '每百万 token',
  'Per request': '每次请求',
  'The name of the upstream that answered, or was the last to be asked; null: none was':
    '给出响应或最后请求过的上游的名称；null：没有发出',
  '499: the client hung up first': '499：客户端先断开了',
  "Until the upstream's first byte": '到上游的第一个字节为止',

  'All of them from now on; [] is none': '从现在起的全部配额，[] 表示没有',
  'Such as `admin@203.0.113.7`': '例如 `admin@203.0.113.7`',
  'Done at or after, in milliseconds since 1970': '操作时间不早于，1970 年以来的毫秒数',
  'Done before, in milliseconds since 1970': '操作时间早于，1970 年以来的毫秒数',
  'Such as `keys.create`': '例如 `keys.create`',
  "A key's id, `sponsor` or `all`": '密钥的 id、`sponsor` 或 `all`',
  'Dense from 1': '从 1 起连续编号',
  'What was asked for': '操作的具体内容',
  'Number of the first action that does not follow from the one before': '第一条与前一条接不上的编号',

  'The identity of the database that it was made of': '备份所属数据库的标识',
  'Of the database': '数据库的大小',
  'Of what is stored of it': '存储占用的大小',
  'Of the ledger': '账本的条目数',
  'Read back after it was written, there in the right size, and no drill found anything wrong with it':
    '写入后读回核对过，现在大小正确，并且没有哪次演练发现问题',
  'The last time that its restore was rehearsed': '最近一次恢复演练',
  'Whether it was restored and nothing was wrong with it': '是否恢复成功，并且没有问题',
  'Pieces of rows after the snapshot that were restored with it': '随快照一起恢复的后续分段数',
  'What is in the vault and cannot be read': '备份目的地里无法读取的内容',

  'In which days and months begin': '决定一天和一个月从何时开始',
  'The first of upstreams': '各上游中的第一个',
  'null: the last call was answered, or there was none yet': 'null：最近一次调用有响应，或还没有调用过',
  'Each, in the order of preference': '所有上游，最优先的在前',
  'Lower is asked first': '数字小的优先',
  'Its share among those of the same priority': '在同一优先级里所占的份额',
  'open: it mostly failed, and others are asked; null: there is no other':
    'open：失败太多，改用其他上游；null：没有其他上游',
  'Exchanges under way': '正在进行的请求数',
  'How many there may be; null: any number': '最多多少个；null：不限',
  'Requests that wait for one of these to end': '排队等待的请求数',
  'Of the ledger, that were ever recorded': '账本记录过的全部条目数',
  'How long entries are kept at least; 0: for ever': '条目至少保留多久；0：永久保留',
  'Up to when these were recorded; null: none was removed': '删除到什么时候的条目为止；null：没有删除过',
  'When the oldest of the others was recorded': '现存条目最早的时间',
  'null: nobody can apply for a key': 'null：没有开放申请',
  'How many wait for a decision': '等待审核的申请数',
  'null: no backups are made': 'null：不做备份',
  'Number of the last piece of rows that was shipped; 0: none since the first snapshot':
    '最后传出的分段编号；0：首份快照之后还没有',
  'Rows that the vault does not have yet': '尚未传到备份目的地的条目数',
  'How long the oldest of them has waited': '其中最早的已等待多久',
  'What the vault was found to do; null until the first backup since the start':
    '测得的备份目的地的能力；启动后首次备份之前为 null',
  'The last things out of the ordinary since the start, newest first': '启动以来最近的异常，新的在前',
  'What is wrong now with the store, the upstream or the clock': '存储、上游或时钟此刻的故障',
};
