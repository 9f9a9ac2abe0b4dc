// Emails, messages and mailboxes as an AccountWriter puts and takes them: rows and counts together.

#include <algorithm>

#include "base/bytes.h"
#include "base/crypto.h"
#include "state/mailbox/account_writer.h"
#include "state/mailbox/survey.h"

namespace godwit::mailbox {

using store::Keyspace;

namespace {

constexpr std::size_t kMaxThreadIds = 20;
// Bytes that prepare() will add, at most: in a page of messages, in the log, in the outbox.
constexpr std::size_t kMostOfMessage = 64 + 10;
constexpr std::size_t kMostOfTombstone = 25 + 17;
constexpr std::size_t kMostOfChange = 12;

struct Default {
  std::string_view name;
  SpecialUse use;
};
constexpr Default kDefaults[] = {{"INBOX", SpecialUse::none}, {"Archive", SpecialUse::archive}, {"Drafts", SpecialUse::drafts},
                                 {"Junk", SpecialUse::junk},  {"Sent", SpecialUse::sent},       {"Trash", SpecialUse::trash}};

template <class Number>
void subtract(Number& from, Number what) {
  from -= std::min(from, what);
}

void discount(MailboxRow& row, const Membership& member) {
  subtract(row.total, 1u);
  subtract(row.bytes, member.size);
  if ((member.flags & kSeen) == 0) subtract(row.unseen, 1u);
  if ((member.flags & kDeleted) == 0) return;
  subtract(row.deleted, 1u);
  subtract(row.deleted_bytes, member.size);
}

Error too_many_keywords() { return Error::permanent(Error::Cause::limit, "the account has too many keywords"); }
Error keyword_too_long() { return Error::permanent(Error::Cause::limit, "the keyword is too long"); }

}  // namespace

void count(MailboxRow& row, const Membership& member) {
  row.total += 1;
  row.bytes += member.size;
  if ((member.flags & kSeen) == 0) row.unseen += 1;
  if ((member.flags & kDeleted) == 0) return;
  row.deleted += 1;
  row.deleted_bytes += member.size;
}

Error no_uid_left() { return Error::permanent(Error::Cause::limit, "the mailbox has used up its UIDs"); }
Error prefix_too_large() { return Error::permanent(Error::Cause::limit, "the header fields in front of the message are too large"); }

std::vector<std::uint64_t> thread_hashes(std::span<const std::string> ids) {
  std::vector<std::uint64_t> out;
  auto add = [&out](const std::string& id) {
    if (id.empty()) return;
    const std::uint64_t hash = read_be64(crypto::sha256(id));
    if (std::ranges::find(out, hash) == out.end()) out.push_back(hash);
  };
  if (!ids.empty()) add(ids.front());
  for (std::size_t i = ids.size(); i > 1 && out.size() < kMaxThreadIds; --i) add(ids[i - 1]);
  return out;
}

Task<Result<ThreadRow*>> AccountWriter::thread_row(std::uint64_t hash) {
  auto found = threads_.find(hash);
  if (found == threads_.end()) {
    GODWIT_CO_ASSIGN(const auto row, co_await view().get(Keyspace::mailbox, thread_key(hash)));
    const ThreadRow none;
    found = threads_.emplace(hash, row ? decode_thread(row->value).value_or(none) : none).first;
  }
  co_return &found->second;
}

// The thread of the first of them that is known, else a new one; from now on all of them are.
Task<Result<ThreadId>> AccountWriter::find_thread(std::span<const std::uint64_t> hashes, ThreadId own) {
  ThreadId thread = 0;
  for (const std::uint64_t hash : hashes) {
    GODWIT_CO_ASSIGN(const ThreadRow* row, co_await thread_row(hash));
    if (thread == 0 && row->emails > 0) thread = row->thread;
  }
  if (thread == 0) thread = own;
  for (const std::uint64_t hash : hashes) {
    ThreadRow& row = threads_.at(hash);
    if (row.emails == 0) row.thread = thread;
    ++row.emails;
    changed_threads_.insert(hash);
  }
  co_return thread;
}

Task<Result<Membership>> AccountWriter::add_email(const NewEmail& email, MessageId message, Modseq created) {
  if (email.prefix.size() > kMaxPrefix) co_return fail(prefix_too_large());
  const EmailId id = ++state_.account.last_email;
  EmailRow row{{email.prefix, email.blob, email.blob_size, email.received, 0}, created, message, thread_hashes(email.threads)};
  GODWIT_CO_ASSIGN(row.email.thread, co_await find_thread(row.threads, id));
  state_.account.emails += 1;
  state_.account.bytes += row.email.size();
  batch_.require_absent(Keyspace::mailbox, email_key(id));  // whatever the counters say, mail is never overwritten
  batch_.put(Keyspace::mailbox, email_key(id), encode(row));
  co_return Membership{id, created, created, row.email.size(), 0, impl_.clock.now(), email.received, {}};
}

Task<Result<Uid>> AccountWriter::add_message(MailboxNumber number, Membership member) {
  MailboxRow& row = change(number);
  if (row.uid_next == UINT32_MAX) co_return fail(no_uid_left());
  const Uid uid = row.uid_next++;
  GODWIT_CO_ASSIGN(UidPage * page, co_await change_page(number, uid));
  page->insert(static_cast<std::uint16_t>(uid));
  GODWIT_CO_ASSIGN(MessagePage * messages, co_await change_messages(number, uid));
  overwrites_ = overwrites_ || messages->find(uid) != nullptr;  // whatever the counters say, mail is never overwritten
  row.highest_modseq = member.modseq;
  count(row, member);
  batch_.put(Keyspace::mailbox, by_email_key(member.email, number, uid), "");
  log_[number].changed.emplace_back(member.modseq, uid);
  pending_bytes_ += kMostOfMessage + 3 * member.keywords.size();
  messages->put(uid, std::move(member));
  co_return uid;
}

bool AccountWriter::is_at_hand(MailboxNumber number, Uid uid) const {
  return changed_messages_.contains({number, MessagePage::page_of(uid)});
}

Task<Result<void>> AccountWriter::load(MailboxNumber number, Uid uid) {
  GODWIT_CO_TRY(co_await change_page(number, uid));
  GODWIT_CO_TRY(co_await change_messages(number, uid));
  co_return Result<void>{};
}

void AccountWriter::take_room() { pending_bytes_ += kMostOfTombstone; }

void AccountWriter::remove_message(MailboxNumber number, const Member& member, RemovedFrom from) {
  const Uid uid = member.uid;
  MailboxRow& row = change(number);
  state_.pages.at({number, UidPage::page_of(uid)}).erase(static_cast<std::uint16_t>(uid));
  state_.messages.at({number, MessagePage::page_of(uid)}).erase(uid);
  const Modseq modseq = next_modseq();
  row.highest_modseq = modseq;
  discount(row, member.row);
  Logged& logged = log_[number];
  logged.expunged.emplace_back(modseq, Tombstone{uid, member.row.email, member.row.created});
  (from == RemovedFrom::last_place ? logged.orphans : logged.left).push_back({member.row.email, uid});
}

void AccountWriter::discount_email(std::uint64_t size) {
  subtract(state_.account.emails, std::uint64_t{1});
  subtract(state_.account.bytes, size);
}

void AccountWriter::note_updates(MailboxNumber number, const std::vector<Update>& updates) {
  MailboxRow& row = change(number);
  auto& changed = log_[number].changed;
  for (const Update& each : updates) {
    Membership& member = each.member->row;
    const std::uint8_t flags = std::exchange(member.flags, each.flags_before);
    discount(row, member);
    member.flags = flags;
    count(row, member);
    member.modseq = next_modseq();
    row.highest_modseq = member.modseq;
    changed.emplace_back(member.modseq, each.member->uid);
    pending_bytes_ += kMostOfChange + 3 * member.keywords.size();
  }
}

Task<Result<void>> AccountWriter::erase_email(EmailId id, const EmailRow& row) {
  for (const std::uint64_t hash : row.threads) {
    GODWIT_CO_ASSIGN(ThreadRow * thread, co_await thread_row(hash));
    subtract(thread->emails, 1u);
    changed_threads_.insert(hash);
  }
  batch_.erase(Keyspace::mailbox, email_key(id));
  batch_.erase(Keyspace::mailbox, details_key(id));
  batch_.put(Keyspace::outbox, release_key(id), encode(BlobRelease{row.email.blob, row.message}));
  co_return Result<void>{};
}

MailboxNumber AccountWriter::make_mailbox(std::string name, SpecialUse use) {
  AccountRow& account = state_.account;
  account.last_uid_validity = new_uid_validity(impl_.clock.now(), account.last_uid_validity);
  MailboxRow row;
  row.name = std::move(name);
  row.uid_validity = account.last_uid_validity;
  row.highest_modseq = next_modseq();
  row.special_use = use;
  const MailboxNumber number = ++account.last_mailbox;
  state_.mailboxes.emplace(number, std::move(row));
  changed_mailboxes_.insert(number);
  return number;
}

void AccountWriter::make_parents(std::string_view name) {
  std::set<std::string_view> names;
  for (const auto& [number, row] : state_.mailboxes) names.insert(row.name);
  for (std::size_t at = name.find(kDelimiter); at != std::string_view::npos; at = name.find(kDelimiter, at + 1)) {
    const std::string_view parent = name.substr(0, at);
    if (!names.contains(parent)) make_mailbox(std::string(parent), SpecialUse::none);
  }
}

void AccountWriter::rename_mailbox(MailboxNumber number, std::string name) { change(number).name = std::move(name); }

// Where an account of an earlier release has one of the names already, that one gets the use.
void AccountWriter::make_defaults() {
  for (const auto& each : kDefaults) {
    auto same = [&each](const auto& entry) { return entry.second.name == each.name; };
    auto used = [&each](const auto& entry) { return each.use != SpecialUse::none && entry.second.special_use == each.use; };
    if (std::ranges::any_of(state_.mailboxes, used)) continue;
    const auto found = std::ranges::find_if(state_.mailboxes, same);
    if (found == state_.mailboxes.end())
      make_mailbox(std::string(each.name), each.use);
    else if (found->second.special_use == SpecialUse::none && each.use != SpecialUse::none)
      change(found->first).special_use = each.use;
    batch_.put(Keyspace::mailbox, subscription_key(each.name), "");
  }
  state_.account.defaults_made = true;
}

void AccountWriter::erase_mailbox(MailboxNumber number) {
  state_.mailboxes.erase(number);
  changed_mailboxes_.erase(number);
  std::erase_if(state_.pages, [number](const auto& entry) { return entry.first.mailbox == number; });
  std::erase_if(changed_pages_, [number](const PageKey& key) { return key.mailbox == number; });
  std::erase_if(state_.messages, [number](const auto& entry) { return entry.first.mailbox == number; });
  std::erase_if(changed_messages_, [number](const MessagesKey& key) { return key.mailbox == number; });
  batch_.erase(Keyspace::mailbox, mailbox_key(number));
  batch_.erase(Keyspace::mailbox, recent_key(number));
  batch_.erase_range(Keyspace::mailbox, pages_prefix(number), prefix_end(pages_prefix(number)));
  batch_.erase_range(Keyspace::mailbox, messages_prefix(number), prefix_end(messages_prefix(number)));
}

Task<Result<std::vector<KeywordNumber>>> AccountWriter::keyword_numbers(std::span<const std::string> names, bool add) {
  std::vector<KeywordNumber> out;
  if (names.empty()) co_return out;
  GODWIT_CO_ASSIGN(const Keywords* known, co_await keywords());
  std::shared_ptr<Keywords> grown;
  for (const std::string& name : names) {
    auto number = grown ? grown->find(name) : known->find(name);
    if (!number && add) {
      if (name.empty() || name.size() > Keywords::kMaxLength) co_return fail(keyword_too_long());
      if (!grown) grown = std::make_shared<Keywords>(*known);
      number = grown->add(name);
      if (!number) co_return fail(too_many_keywords());
      batch_.put(Keyspace::mailbox, keyword_key(*number), name);
    }
    if (number) out.push_back(*number);
  }
  if (grown) state_.keywords = std::move(grown);
  std::ranges::sort(out);
  const auto twice = std::ranges::unique(out);
  out.erase(twice.begin(), twice.end());
  co_return out;
}

}  // namespace godwit::mailbox
