#include "state/queue/record.h"

#include <algorithm>

#include "base/bytes.h"
#include "state/queue/record.pb.h"

namespace godwit::queue {
namespace {

constexpr char kFormat = 1;  // on disk: do not change; the first byte of records and pages (docs/formats/queue.md)

std::int64_t to_millis(WallTime time) { return time.time_since_epoch().count(); }
WallTime from_millis(std::int64_t millis) { return WallTime(std::chrono::milliseconds(millis)); }

std::string_view cut(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80) --most;  // not inside a UTF-8 character
  return text.substr(0, most);
}

void set(std::string* field, std::string_view text) { field->assign(text); }

std::uint32_t pack(const Notify& notify) {
  return (notify.given ? 1u : 0u) | (notify.never ? 2u : 0u) | (notify.success ? 4u : 0u) | (notify.failure ? 8u : 0u) |
         (notify.delay ? 16u : 0u);
}

Notify unpack_notify(std::uint32_t bits) { return {(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0, (bits & 16) != 0}; }

std::uint32_t pack(const smtp::EnhancedCode& code) { return code.status_class * 1'000'000u + code.subject * 1'000u + code.detail; }

smtp::EnhancedCode unpack_code(std::uint32_t packed) {
  return {static_cast<std::uint8_t>(packed / 1'000'000), static_cast<std::uint16_t>(packed / 1'000 % 1'000),
          static_cast<std::uint16_t>(packed % 1'000)};
}

void fill(record::Outcome& row, const Outcome& outcome) {
  row.set_kind(static_cast<std::uint32_t>(outcome.kind));
  row.set_status(pack(outcome.status));
  set(row.mutable_text(), cut(outcome.text, kMaxOutcomeText));
  set(row.mutable_remote(), cut(outcome.remote, kMaxOutcomeText));
  set(row.mutable_remote_reply(), cut(outcome.remote_reply, kMaxOutcomeText));
  row.set_site_down(outcome.site_down);
  if (!outcome.reply_class.empty()) set(row.mutable_reply_class(), cut(outcome.reply_class, kMaxReplyClass));
  row.set_success(static_cast<std::uint32_t>(outcome.success));
}

void fill(record::Recipient& row, const Recipient& recipient) {
  set(row.mutable_local(), recipient.address.local.text());
  set(row.mutable_domain(), recipient.address.domain.text());
  if (!recipient.original.empty()) set(row.mutable_original(), recipient.original);
  if (!recipient.orcpt.empty()) set(row.mutable_orcpt(), recipient.orcpt);
  row.set_notify(pack(recipient.notify));
  row.set_state(static_cast<std::uint32_t>(recipient.state));
  row.set_attempts(recipient.attempts);
  row.set_probes(recipient.probes);
  row.set_next_attempt(to_millis(recipient.next_attempt));
  row.set_delay_notice_sent(recipient.delay_notice_sent);
  if (!recipient.next_hop.empty()) set(row.mutable_next_hop(), recipient.next_hop);
  if (recipient.attempts > 0 || recipient.probes > 0 || recipient.state != Recipient::State::pending)
    fill(*row.mutable_last(), recipient.last);
}

Result<smtp::Address> to_address(const std::string& local, const std::string& domain) {
  GODWIT_ASSIGN(auto local_part, smtp::make_local_part(local));
  GODWIT_ASSIGN(auto name, smtp::parse_domain(domain));
  return smtp::Address{std::move(local_part), std::move(name)};
}

Result<Recipient> to_recipient(const record::Recipient& row) {
  Recipient recipient;
  GODWIT_ASSIGN(recipient.address, to_address(row.local(), row.domain()));
  recipient.original = row.original();
  recipient.orcpt = row.orcpt();
  recipient.notify = unpack_notify(row.notify());
  recipient.state = static_cast<Recipient::State>(std::min<std::uint32_t>(row.state(), 3));
  recipient.attempts = row.attempts();
  recipient.probes = row.probes();
  recipient.next_attempt = from_millis(row.next_attempt());
  recipient.delay_notice_sent = row.delay_notice_sent();
  recipient.next_hop = row.next_hop();
  if (row.has_last()) {
    const record::Outcome& last = row.last();
    recipient.last = {static_cast<Outcome::Kind>(std::min<std::uint32_t>(last.kind(), 2)),
                      unpack_code(last.status()),
                      last.text(),
                      last.remote(),
                      last.remote_reply(),
                      last.site_down(),
                      last.reply_class()};
    recipient.last.success = static_cast<Outcome::Success>(std::min<std::uint32_t>(last.success(), 3));
  }
  return recipient;
}

template <class Row>
Result<void> append_recipients(const Row& row, Message& into) {
  for (const record::Recipient& recipient : row.recipients()) {
    GODWIT_ASSIGN(auto value, to_recipient(recipient));
    into.recipients.push_back(std::move(value));
  }
  return {};
}

template <class Row>
Result<std::string> serialise(const Row& row) {
  std::string out;
  const std::size_t size = row.ByteSizeLong() + 1;
  if (size > store::kMaxValue)
    return fail(Error::permanent(Error::Cause::limit, "the message's envelope does not fit into a row of 64 KiB"));
  out.reserve(size);
  out += kFormat;
  row.AppendToString(&out);
  return out;
}

template <class Row>
Result<void> parse(std::string_view value, Row& into) {
  if (value.empty() || value[0] != kFormat) return fail(Error::permanent(Error::Cause::unsupported, "a queue row of an unknown format"));
  if (!into.ParseFromArray(value.data() + 1, static_cast<int>(value.size() - 1)))
    return fail(Error::permanent(Error::Cause::corrupt, "a queue row that does not parse"));
  return {};
}

}  // namespace

std::string message_key(MessageId id) {
  std::string key;
  append_be64(key, id.value);
  return key;
}

std::string page_key(MessageId id, std::uint32_t page) {
  std::string key;
  key.reserve(10);
  append_be64(key, id.value);
  append_be16(key, static_cast<std::uint16_t>(page));
  return key;
}

Result<RowKey> parse_row_key(std::string_view key) {
  if (key.size() == 8) return RowKey{{read_be64(key)}, 0};
  if (key.size() == 10) return RowKey{{read_be64(key)}, read_be16(key.substr(8))};
  return fail(Error::permanent(Error::Cause::corrupt, "a key that is no message's"));
}

std::string due_key(WallTime due, MessageId id) {
  std::string key;
  key.reserve(16);
  append_be64(key, static_cast<std::uint64_t>(std::max<std::int64_t>(0, to_millis(due))));
  append_be64(key, id.value);
  return key;
}

Result<DueKey> parse_due_key(std::string_view key) {
  if (key.size() != 16) return fail(Error::permanent(Error::Cause::corrupt, "a key that is not of the due index"));
  return DueKey{from_millis(static_cast<std::int64_t>(read_be64(key))), {read_be64(key.substr(8))}};
}

std::string encode_due(const DueValue& value) {
  std::string out;
  append_be32(out, value.pending);
  append_be64(out, value.size);
  out += value.held ? '\1' : '\0';
  if (value.as_accepted) out += value.as_accepted->key();
  return out;
}

Result<DueValue> decode_due(std::string_view value) {
  if (value.size() != 13 && value.size() != 25) return fail(Error::permanent(Error::Cause::corrupt, "an index row that does not parse"));
  DueValue decoded{read_be32(value), read_be64(value.substr(4)), value[12] != 0};
  if (value.size() == 25) {
    GODWIT_ASSIGN(decoded.as_accepted, store::parse_blob_key(value.substr(13)));
  }
  return decoded;
}

// The hot path: one record a message. The record object is kept a thread, so that its strings keep their memory.
Result<std::string> encode_record(const Message& message) {
  if (message.recipients.size() > kMaxRecipients) return fail(Error::permanent(Error::Cause::limit, "too many recipients"));
  thread_local record::Envelope row;
  row.Clear();
  if (!message.reverse_path.is_null()) {
    row.set_has_reverse_path(true);
    set(row.mutable_reverse_local(), message.reverse_path.address().local.text());
    set(row.mutable_reverse_domain(), message.reverse_path.address().domain.text());
  }
  row.set_recipient_count(static_cast<std::uint32_t>(message.recipients.size()));
  const std::size_t first_page = std::min(message.recipients.size(), kPageRecipients);
  for (std::size_t i = 0; i < first_page; ++i) fill(*row.add_recipients(), message.recipients[i]);
  row.set_body_8bit(message.body_8bit);
  row.set_smtputf8(message.smtputf8);
  set(row.mutable_envid(), message.envid);
  row.set_ret(static_cast<std::uint32_t>(message.ret));
  set(row.mutable_tenant(), message.tenant);
  row.set_priority(message.priority);
  set(row.mutable_identity(), message.identity);
  set(row.mutable_client(), message.client);
  set(row.mutable_session(), message.session);
  set(row.mutable_message_id(), message.message_id);
  set(row.mutable_prefix(), message.prefix);
  set(row.mutable_blob(), message.blob.key());
  row.set_size(message.size);
  row.set_accepted(to_millis(message.accepted));
  row.set_held(message.held);
  set(row.mutable_held_because(), cut(message.held_because, kMaxOutcomeText));
  row.set_crashes(message.crashes);
  row.set_handed_over(message.rows.handed_over);
  row.set_due(to_millis(message.rows.due));
  row.set_as_accepted(message.rows.as_accepted);
  return serialise(row);
}

Result<std::string> encode_page(const Message& message, std::uint32_t page) {
  thread_local record::Page row;
  row.Clear();
  const std::size_t begin = page * kPageRecipients;
  const std::size_t end = std::min(message.recipients.size(), begin + kPageRecipients);
  for (std::size_t i = begin; i < end; ++i) fill(*row.add_recipients(), message.recipients[i]);
  return serialise(row);
}

Result<Decoded> decode_record(MessageId id, std::string_view value) {
  record::Envelope row;
  GODWIT_TRY(parse(value, row));
  Decoded decoded;
  Message& message = decoded.message;
  message.id = id;
  if (row.has_reverse_path()) {
    GODWIT_ASSIGN(auto sender, to_address(row.reverse_local(), row.reverse_domain()));
    message.reverse_path = smtp::ReversePath(std::move(sender));
  }
  decoded.recipients = row.recipient_count();
  GODWIT_TRY(append_recipients(row, message));
  message.body_8bit = row.body_8bit();
  message.smtputf8 = row.smtputf8();
  message.envid = row.envid();
  message.ret = static_cast<Message::Return>(std::min<std::uint32_t>(row.ret(), 2));
  message.tenant = row.tenant();
  message.priority = static_cast<std::uint8_t>(row.priority());
  message.identity = row.identity();
  message.client = row.client();
  message.session = row.session();
  message.message_id = row.message_id();
  message.prefix = row.prefix();
  GODWIT_ASSIGN(message.blob, store::parse_blob_key(row.blob()));
  message.size = row.size();
  message.accepted = from_millis(row.accepted());
  message.held = row.held();
  message.held_because = row.held_because();
  message.crashes = row.crashes();
  message.rows.handed_over = row.handed_over();
  message.rows.due = from_millis(row.due());
  message.rows.as_accepted = row.as_accepted();
  return decoded;
}

Result<void> decode_page(std::string_view value, Message& into) {
  record::Page row;
  GODWIT_TRY(parse(value, row));
  return append_recipients(row, into);
}

std::uint32_t pending_recipients(const Message& message) {
  return static_cast<std::uint32_t>(
      std::ranges::count_if(message.recipients, [](const Recipient& recipient) { return recipient.state == Recipient::State::pending; }));
}

Message::Rows rows_of_fresh(const Message& message) {
  Message::Rows rows;
  rows.pages = page_count(message.recipients.size());
  rows.pending = pending_recipients(message);
  rows.held = message.held;
  return rows;
}

bool waits_from_accept(const Message& message) { return message.held && message.recipients.size() <= kPageRecipients; }

Message::Rows rows_of_held(const Message& message) {
  Message::Rows rows = rows_of_fresh(message);
  rows.waiting = true;
  rows.as_accepted = true;
  rows.due = kNever;
  return rows;
}

}  // namespace godwit::queue
