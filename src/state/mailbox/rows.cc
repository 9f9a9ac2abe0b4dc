#include "state/mailbox/rows.h"

#include "base/bytes.h"
#include "state/mailbox/record.pb.h"
#include "state/mailbox/varint.h"

namespace godwit::mailbox {
namespace {

// on disk: do not change; the first byte of a packed row says how it is packed
constexpr char kPacked = 1;
constexpr char kInRuns = 2;

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
  out.set_tombstones(row.tombstones);
  out.set_changes(row.changes);
  out.set_layout(row.layout);
  out.set_unproven_email(row.unproven_email);
  return out.SerializeAsString();
}

Result<AccountRow> decode_account(std::string_view value) {
  GODWIT_ASSIGN(const auto in, parse<record::Account>(value, "the account"));
  AccountRow row{in.modseq(), in.last_email(), in.last_mailbox(), in.emails(), in.bytes()};
  row.last_uid_validity = in.last_uid_validity();
  row.reserved_modseq = in.reserved_modseq();
  row.floor = in.floor();
  row.defaults_made = in.defaults_made();
  row.tombstones = in.tombstones();
  row.changes = in.changes();
  row.layout = in.layout();
  row.unproven_email = in.unproven_email();
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

std::string encode(const ChangedRow& row) {
  std::string out(1, kInRuns);
  append_varint(out, row.mailbox);
  Uid end = 0;
  for (const UidRange each : row.uids) {
    append_varint(out, each.first - end);
    append_varint(out, each.last - each.first);
    end = each.last;
  }
  return out;
}

Result<ChangedRow> decode_changed(std::string_view value) {
  if (value.empty() || value.front() != kInRuns) return fail(damaged("what was changed"));
  VarintReader in(value.substr(1));
  ChangedRow row{static_cast<MailboxNumber>(in.number()), {}};
  for (std::uint64_t end = 0; !in.done();) {
    const std::uint64_t first = end + in.number();
    const std::uint64_t last = first + in.number();
    const bool ascends = first > end || row.uids.empty();
    if (!in.ok() || !ascends || first > last || last > UINT32_MAX) return fail(damaged("what was changed"));
    row.uids.push_back({static_cast<Uid>(first), static_cast<Uid>(last)});
    end = last;
  }
  if (!in.ok()) return fail(damaged("what was changed"));
  return row;
}

std::string encode(const ExpungedRow& row) {
  std::string out(1, kInRuns);
  append_varint(out, row.mailbox);
  Tombstone before;
  for (const Tombstone& each : row.messages) {
    append_difference(out, before.uid, each.uid);
    append_difference(out, before.email, each.email);
    append_difference(out, before.created, each.created);
    before = each;
  }
  return out;
}

Result<ExpungedRow> decode_expunged(std::string_view value) {
  if (value.empty() || value.front() != kInRuns) return fail(damaged("what was expunged"));
  VarintReader in(value.substr(1));
  ExpungedRow row{static_cast<MailboxNumber>(in.number()), {}};
  for (Tombstone before; !in.done();) {
    before.uid = static_cast<Uid>(in.differing(before.uid));
    before.email = in.differing(before.email);
    before.created = in.differing(before.created);
    if (in.ok()) row.messages.push_back(before);
  }
  if (!in.ok()) return fail(damaged("what was expunged"));
  return row;
}

std::string encode(const GoneRow& row) {
  std::string out(1, kInRuns);
  append_varint(out, row.mailbox);
  Gone before;
  for (const Gone& each : row.messages) {
    append_difference(out, before.email, each.email);
    append_difference(out, before.uid, each.uid);
    before = each;
  }
  return out;
}

Result<GoneRow> decode_gone(std::string_view value) {
  if (value.empty() || value.front() != kInRuns) return fail(damaged("an outbox entry"));
  VarintReader in(value.substr(1));
  GoneRow row{static_cast<MailboxNumber>(in.number()), {}};
  for (Gone before; !in.done();) {
    before.email = in.differing(before.email);
    before.uid = static_cast<Uid>(in.differing(before.uid));
    if (in.ok()) row.messages.push_back(before);
  }
  if (!in.ok()) return fail(damaged("an outbox entry"));
  return row;
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
