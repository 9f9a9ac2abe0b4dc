#include "state/mailbox/rows.h"

#include "base/bytes.h"
#include "state/mailbox/record.pb.h"

namespace godwit::mailbox {
namespace {

// on disk: do not change; the first byte of a packed row says how it is packed
constexpr char kPacked = 1;
constexpr std::size_t kMembership = 25;  // email, modseq, octets, flags
constexpr std::size_t kDates = 16;       // saved, received

Error damaged(std::string_view what) { return Error::permanent(Error::Cause::corrupt, "a mailbox row is damaged: " + std::string(what)); }

template <class Record>
Result<Record> parse(std::string_view value, std::string_view what) {
  Record record;
  if (!record.ParseFromArray(value.data(), static_cast<int>(value.size()))) return fail(damaged(what));
  return record;
}

// Takes a packed row apart; a later release may append fields to it.
Result<std::string_view> unpack(std::string_view value, std::size_t size, std::string_view what) {
  if (value.size() < 1 + size || value.front() != kPacked) return fail(damaged(what));
  return value.substr(1);
}

}  // namespace

std::string encode(const AccountRow& row) {
  record::Account out;
  out.set_modseq(row.modseq);
  out.set_last_email(row.last_email);
  out.set_last_mailbox(row.last_mailbox);
  out.set_emails(row.emails);
  out.set_bytes(row.bytes);
  out.set_last_uid_validity(row.last_uid_validity);
  out.set_reserved_modseq(row.reserved_modseq);
  out.set_floor(row.floor);
  out.set_defaults_made(row.defaults_made);
  if (row.tombstones) out.set_tombstones(*row.tombstones);
  return out.SerializeAsString();
}

Result<AccountRow> decode_account(std::string_view value) {
  GODWIT_ASSIGN(const auto in, parse<record::Account>(value, "the account"));
  AccountRow row{in.modseq(), in.last_email(), in.last_mailbox(), in.emails(), in.bytes()};
  row.last_uid_validity = in.last_uid_validity();
  row.reserved_modseq = in.reserved_modseq();
  row.floor = in.floor();
  row.defaults_made = in.defaults_made();
  if (in.has_tombstones()) row.tombstones = in.tombstones();
  return row;
}

std::string encode(const MailboxRow& row) {
  record::Mailbox out;
  out.set_name(row.name);
  out.set_uid_validity(row.uid_validity);
  out.set_uid_next(row.uid_next);
  out.set_highest_modseq(row.highest_modseq);
  out.set_total(row.total);
  out.set_unseen(row.unseen);
  out.set_bytes(row.bytes);
  out.set_special_use(static_cast<std::uint32_t>(row.special_use));
  out.set_deleted(row.deleted);
  out.set_deleted_bytes(row.deleted_bytes);
  return out.SerializeAsString();
}

Result<MailboxRow> decode_mailbox(std::string_view value) {
  GODWIT_ASSIGN(const auto in, parse<record::Mailbox>(value, "a mailbox"));
  MailboxRow row{in.name(), in.uid_validity(), in.uid_next(), in.highest_modseq(), in.total(), in.unseen(), in.bytes()};
  // one that a later release knows is none here
  if (in.special_use() <= static_cast<std::uint32_t>(SpecialUse::important)) row.special_use = static_cast<SpecialUse>(in.special_use());
  row.deleted = in.deleted();
  row.deleted_bytes = in.deleted_bytes();
  return row;
}

std::string encode(const EmailRow& row) {
  record::Email out;
  out.set_blob(row.email.blob.key());
  out.set_blob_size(row.email.blob_size);
  out.set_prefix(row.email.prefix);
  out.set_received_ms(row.email.received.time_since_epoch().count());
  out.set_created_modseq(row.created);
  out.set_message(row.message.value);
  out.set_thread(row.email.thread);
  out.mutable_thread_hashes()->Assign(row.threads.begin(), row.threads.end());
  return out.SerializeAsString();
}

Result<EmailRow> decode_email(std::string_view value) {
  GODWIT_ASSIGN(const auto in, parse<record::Email>(value, "an email"));
  GODWIT_ASSIGN(const auto blob, store::parse_blob_key(in.blob()));
  Email email{in.prefix(), blob, in.blob_size(), WallTime(Duration(in.received_ms())), in.thread()};
  const auto& threads = in.thread_hashes();
  return EmailRow{std::move(email), in.created_modseq(), MessageId{in.message()}, {threads.begin(), threads.end()}};
}

// The dates and keywords came later: a row without them is as long as it always was.
std::string encode(const Membership& membership) {
  std::string out(1, kPacked);
  append_be64(out, membership.email);
  append_be64(out, membership.modseq);
  append_be64(out, membership.size);
  out += static_cast<char>(membership.flags);
  if (!membership.dated) return out;
  append_be64(out, static_cast<std::uint64_t>(membership.saved.time_since_epoch().count()));
  append_be64(out, static_cast<std::uint64_t>(membership.received.time_since_epoch().count()));
  for (const KeywordNumber keyword : membership.keywords) append_be16(out, keyword);
  return out;
}

Result<Membership> decode_membership(std::string_view value) {
  GODWIT_ASSIGN(auto in, unpack(value, kMembership, "a membership"));
  Membership out{read_be64(in), read_be64(in.substr(8)), read_be64(in.substr(16)), static_cast<std::uint8_t>(in[24])};
  in.remove_prefix(kMembership);
  if (in.empty()) return out;
  if (in.size() < kDates || in.size() % 2 != 0) return fail(damaged("a membership"));
  out.dated = true;
  out.saved = WallTime(Duration(static_cast<Duration::rep>(read_be64(in))));
  out.received = WallTime(Duration(static_cast<Duration::rep>(read_be64(in.substr(8)))));
  in.remove_prefix(kDates);
  out.keywords.reserve(in.size() / 2);
  for (; !in.empty(); in.remove_prefix(2)) out.keywords.push_back(read_be16(in));
  return out;
}

std::string encode(const Change& change) {
  std::string out(1, kPacked);
  out += static_cast<char>(change.kind);
  append_be32(out, change.mailbox);
  append_be32(out, change.uid);
  append_be64(out, change.email);
  append_be64(out, change.created);
  return out;
}

Result<Change> decode_change(std::string_view value) {
  GODWIT_ASSIGN(const auto in, unpack(value, 25, "a change"));
  const auto kind = static_cast<std::uint8_t>(in[0]);
  if (kind < 1 || kind > 3) return fail(damaged("a change of an unknown kind"));
  return Change{static_cast<Change::Kind>(kind), read_be32(in.substr(1)), read_be32(in.substr(5)), read_be64(in.substr(9)),
                read_be64(in.substr(17))};
}

std::string encode(const BlobRelease& release) {
  record::BlobRelease out;
  out.set_blob(release.blob.key());
  out.set_message(release.message.value);
  return out.SerializeAsString();
}

Result<BlobRelease> decode_release(std::string_view value) {
  GODWIT_ASSIGN(const auto in, parse<record::BlobRelease>(value, "an outbox entry"));
  GODWIT_ASSIGN(const auto blob, store::parse_blob_key(in.blob()));
  return BlobRelease{blob, MessageId{in.message()}};
}

std::string encode(const ThreadRow& row) {
  std::string out(1, kPacked);
  append_be64(out, row.thread);
  append_be32(out, row.emails);
  return out;
}

Result<ThreadRow> decode_thread(std::string_view value) {
  GODWIT_ASSIGN(const auto in, unpack(value, 12, "a thread"));
  return ThreadRow{read_be64(in), read_be32(in.substr(8))};
}

std::string encode_recent(Uid uid) {
  std::string out(1, kPacked);
  append_be32(out, uid);
  return out;
}

Result<Uid> decode_recent(std::string_view value) {
  GODWIT_ASSIGN(const auto in, unpack(value, 4, "where the recent messages begin"));
  return read_be32(in);
}

std::string encode_delivered(Uid uid, EmailId email) {
  std::string out(1, kPacked);
  append_be32(out, uid);
  append_be64(out, email);
  return out;
}

Result<Mailboxes::Delivered> decode_delivered(std::string_view value) {
  GODWIT_ASSIGN(const auto in, unpack(value, 12, "the note of a delivery"));
  return Mailboxes::Delivered{read_be32(in), read_be64(in.substr(4)), true};
}

}  // namespace godwit::mailbox
