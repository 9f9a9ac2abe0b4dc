#include "state/mailbox/account_writer.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/log.h"
#include "state/mailbox/members.h"

namespace godwit::mailbox {

using store::Batch;
using store::Keyspace;

namespace {

constexpr std::size_t kRoom = 600 * 1024;  // a batch may have 1 MiB
constexpr std::size_t kMaxPagesChanged = 24;

}  // namespace

Error overtaken() { return Error::temporary(Error::Cause::conflict, "the mailbox is being changed by others"); }

AccountWriter::~AccountWriter() {
  if (is_open_ && !has_changes() && state_.version) impl_.states.put(id_, std::move(state_));
}

Task<Result<void>> AccountWriter::open(IfNew if_new, Kept kept) {
  auto state = impl_.states.take(id_);
  if (state && kept == Kept::trusted) {
    state_ = *std::move(state);
    is_open_ = true;
    co_return Result<void>{};
  }
  co_return co_await load(if_new, std::move(state));
}

Task<Result<void>> AccountWriter::load(IfNew if_new, std::optional<AccountState> kept) {
  GODWIT_CO_ASSIGN(const bool removed, co_await is_removed(view()));
  if (removed) co_return fail(account_gone());
  GODWIT_CO_ASSIGN(const auto row, co_await view().get(Keyspace::mailbox, std::string(kAccountKey)));
  if (!row) {
    GODWIT_CO_ASSIGN(const bool lost, co_await has_rows(view()));
    if (lost) co_return co_await rebuild(if_new);
    state_.all_mailboxes = true;
    state_.keywords = std::make_shared<const Keywords>();
    if (if_new == IfNew::make) make_defaults();
    is_open_ = true;
    co_return Result<void>{};
  }
  const auto stored = decode_account(row->value);
  if (stored && stored->layout != kLayout) co_return co_await rebuild(if_new);
  if (kept && kept->version == row->version) {
    state_ = *std::move(kept);
    is_open_ = true;
    co_return Result<void>{};
  }
  state_.version = row->version;
  GODWIT_CO_ASSIGN(state_.account, decode_account(row->value));
  GODWIT_CO_ASSIGN(const auto inbox, co_await view().get(Keyspace::mailbox, mailbox_key(kInbox)));
  if (!inbox) co_return co_await rebuild(if_new);
  GODWIT_CO_ASSIGN(state_.mailboxes[kInbox], decode_mailbox(inbox->value));
  // Changes of flags that a power cut took back may have been seen: their modseqs are not given again.
  AccountRow& account = state_.account;
  if (!impl_.states.is_ours(id_)) account.modseq = std::max(account.modseq, account.reserved_modseq);
  is_open_ = true;
  co_return Result<void>{};
}

Task<Result<void>> AccountWriter::rebuild(IfNew if_new) {
  if (rebuilt_) co_return fail(overtaken());
  rebuilt_ = true;
  is_open_ = false;
  GODWIT_CO_TRY(co_await impl_.rebuild_in_turn(id_));
  state_ = {};
  view_.reset();
  co_return co_await load(if_new, std::nullopt);
}

store::View& AccountWriter::view() {
  if (!view_) view_ = impl_.engine.read(partition());
  return *view_;
}

Task<Result<const MailboxRow*>> AccountWriter::mailbox(MailboxNumber number) {
  if (const auto found = state_.mailboxes.find(number); found != state_.mailboxes.end()) co_return &found->second;
  if (state_.all_mailboxes) co_return fail(mailbox_gone());
  GODWIT_CO_ASSIGN(const auto row, co_await view().get(Keyspace::mailbox, mailbox_key(number)));
  if (row) {
    GODWIT_CO_ASSIGN(auto decoded, decode_mailbox(row->value));
    co_return &state_.mailboxes.emplace(number, std::move(decoded)).first->second;
  }
  GODWIT_CO_ASSIGN(const bool lost, co_await has_row(view(), messages_prefix(number), messages_prefix(number)));
  if (!lost || rebuilt_ || has_changes()) co_return fail(mailbox_gone());
  GODWIT_CO_TRY(co_await rebuild(IfNew::leave));
  co_return co_await mailbox(number);
}

Task<Result<const std::map<MailboxNumber, MailboxRow>*>> AccountWriter::mailboxes() {
  if (!state_.all_mailboxes) {
    PrefixScan scan(view(), Keyspace::mailbox, std::string(kAllMailboxes));
    for (;;) {
      GODWIT_CO_ASSIGN(const auto rows, co_await scan.next());
      if (rows.empty()) break;
      for (const auto& row : rows) {
        GODWIT_CO_ASSIGN(const MailboxNumber number, parse_mailbox_key(row.key));
        GODWIT_CO_ASSIGN(auto decoded, decode_mailbox(row.value));
        state_.mailboxes.emplace(number, std::move(decoded));
      }
    }
    state_.all_mailboxes = true;
    for (const auto& [number, row] : state_.mailboxes)  // an earlier release did not note the last one
      state_.account.last_uid_validity = std::max(state_.account.last_uid_validity, row.uid_validity);
  }
  co_return &state_.mailboxes;
}

Task<Result<const Keywords*>> AccountWriter::keywords() {
  if (!state_.keywords) {
    GODWIT_CO_ASSIGN(auto read, co_await read_keywords(view()));
    state_.keywords = std::make_shared<const Keywords>(std::move(read));
  }
  co_return state_.keywords.get();
}

// One page alone needs no scan, and may be at hand.
Task<Result<std::vector<Member>>> AccountWriter::members(MailboxNumber number, std::vector<UidRange> uids, std::size_t limit) {
  const bool one = !uids.empty() && MessagePage::page_of(uids.front().first) == MessagePage::page_of(uids.back().last);
  if (!one) co_return co_await read_members(view(), number, std::move(uids), limit);
  const MessagesKey key{number, MessagePage::page_of(uids.front().first)};
  GODWIT_CO_ASSIGN(const MessagePage* page, co_await message_page(key));
  co_return choose(*page, uids, limit);
}

// What prepare() adds counts too.
bool AccountWriter::has_room() const {
  constexpr std::size_t kThreadBytes = 32;
  const std::size_t pages = changed_pages_.size() > 2 ? changed_pages_.size() * UidPage::kMostBytes : 0;
  return batch_.bytes() + pending_bytes_ + pages + changed_threads_.size() * kThreadBytes < kRoom &&
         changed_pages_.size() < kMaxPagesChanged;
}

MailboxRow& AccountWriter::change(MailboxNumber number) {
  changed_mailboxes_.insert(number);
  return state_.mailboxes.at(number);
}

Task<Result<UidPage*>> AccountWriter::change_page(MailboxNumber number, Uid uid) {
  const PageKey key{number, UidPage::page_of(uid)};
  auto found = state_.pages.find(key);
  if (found == state_.pages.end()) {
    GODWIT_CO_ASSIGN(const auto row, co_await view().get(Keyspace::mailbox, page_key(key.mailbox, key.page)));
    UidPage page;
    if (row) {
      GODWIT_CO_ASSIGN(page, UidPage::decode(row->value));
    }
    found = state_.pages.emplace(key, std::move(page)).first;
  }
  changed_pages_.insert(key);
  co_return &found->second;
}

Task<Result<MessagePage*>> AccountWriter::message_page(MessagesKey key) {
  const auto found = state_.messages.find(key);
  if (found != state_.messages.end()) co_return &found->second;
  GODWIT_CO_ASSIGN(const auto row, co_await view().get(Keyspace::mailbox, messages_key(key.mailbox, key.page)));
  if (row) co_return &take_page(key, row->value);
  co_return &state_.messages[key];
}

bool AccountWriter::are_at_hand(MailboxNumber number, std::uint32_t first, std::uint32_t last) const {
  if (last - first >= state_.messages.size()) return false;
  auto at = state_.messages.find({number, first});
  for (std::uint32_t page = first;; ++page, ++at) {
    if (at == state_.messages.end() || at->first != MessagesKey{number, page}) return false;
    if (page == last) return true;
  }
}

// `most` of them, by one scan; returns the page after the last one that is known now. One that is not there is at hand too, empty, where
// few are missing.
Task<Result<std::uint32_t>> AccountWriter::read_pages(MailboxNumber number, std::uint32_t first, std::uint32_t last, std::size_t most) {
  constexpr std::uint32_t kMostMissing = 8;
  std::uint32_t next = first;
  const auto pass_to = [&](std::uint32_t to) {
    for (; to - next <= kMostMissing && next < to; ++next) state_.messages.try_emplace({number, next});
    next = to;
  };
  RangeScan scan(view(), Keyspace::mailbox, messages_key(number, first), messages_key(number, last + 1));
  while (most > 0) {
    const store::ScanLimit limit{most, 1 << 20};
    GODWIT_CO_ASSIGN(const auto rows, co_await scan.next(limit));
    if (rows.empty()) {
      pass_to(last + 1);
      break;
    }
    for (const auto& row : rows) {
      GODWIT_CO_ASSIGN(const auto key, parse_messages_key(row.key));
      pass_to(key.page);
      take_page(key, row.value);
      next = key.page + 1;
    }
    most -= std::min(most, rows.size());
  }
  co_return next;
}

Task<Result<std::vector<std::uint32_t>>> AccountWriter::load_pages(MailboxNumber number, const std::vector<UidRange>& uids,
                                                                   std::size_t most) {
  std::vector<std::uint32_t> out;
  const std::uint32_t end = MessagePage::page_of(state_.mailboxes.at(number).uid_next);  // no message is behind that
  for (const PageRange range : pages_of(uids)) {
    const std::uint32_t last = std::min(range.last, end);
    for (std::uint32_t first = range.first; first <= last && out.size() < most;) {
      const std::size_t wanted = most - out.size();
      auto next = static_cast<std::uint32_t>(std::min<std::uint64_t>(last, first + wanted - 1)) + 1;
      if (first == last) {  // a look-up needs no thread of its own
        GODWIT_CO_TRY(co_await message_page({number, first}));
      } else if (!are_at_hand(number, first, next - 1)) {
        GODWIT_CO_ASSIGN(next, co_await read_pages(number, first, last, wanted));
      }
      const auto to = state_.messages.lower_bound({number, next});
      for (auto at = state_.messages.lower_bound({number, first}); at != to; ++at)
        if (!at->second.empty()) out.push_back(at->first.page);
      first = next;
    }
  }
  co_return out;
}

// One that cannot be read is as one that is lost: its messages are put back by a rebuild, and mail goes on coming.
MessagePage& AccountWriter::take_page(MessagesKey key, std::string_view value) {
  const auto found = state_.messages.find(key);
  if (found != state_.messages.end()) return found->second;
  auto page = MessagePage::decode(key.page, value);
  if (!page) log::error("page of messages damaged", {{"account", id_}, {"mailbox", key.mailbox}, {"page", key.page}});
  return state_.messages.emplace(key, page ? *std::move(page) : MessagePage()).first->second;
}

MessagePage& AccountWriter::change_at_hand(MessagesKey key) {
  MessagePage& page = state_.messages.at(key);
  if (changed_messages_.insert(key).second) pending_bytes_ += page.most_bytes();
  return page;
}

Task<Result<MessagePage*>> AccountWriter::change_messages(MailboxNumber number, Uid uid) {
  const MessagesKey key{number, MessagePage::page_of(uid)};
  GODWIT_CO_TRY(co_await message_page(key));
  co_return &change_at_hand(key);
}

void AccountWriter::prepare(Batch& whole, Durability durability) {
  AccountRow& account = state_.account;
  if (durability == Durability::lazy && account.modseq <= account.reserved_modseq)
    whole.durability = Batch::Durability::lazy;
  else if (durability == Durability::lazy)
    account.reserved_modseq = account.modseq + kReservedModseqs;  // durable with this batch, before any lazy one uses it
  write_log();
  for (const MessagesKey& key : changed_messages_) {
    MessagePage& page = state_.messages.at(key);
    if (page.empty()) {
      whole.erase(Keyspace::mailbox, messages_key(key.mailbox, key.page));
      continue;
    }
    std::string row = page.encode();
    page.note_stored(row.size());
    whole.put(Keyspace::mailbox, messages_key(key.mailbox, key.page), std::move(row));
  }
  for (const MailboxNumber number : changed_mailboxes_)
    whole.put(Keyspace::mailbox, mailbox_key(number), encode(state_.mailboxes.at(number)));
  for (const PageKey& key : changed_pages_) {
    const UidPage& page = state_.pages.at(key);
    if (page.empty())
      whole.erase(Keyspace::mailbox, page_key(key.mailbox, key.page));
    else
      whole.put(Keyspace::mailbox, page_key(key.mailbox, key.page), page.encode());
  }
  for (const std::uint64_t hash : changed_threads_) {
    const ThreadRow& row = threads_.at(hash);
    if (row.emails == 0)
      whole.erase(Keyspace::mailbox, thread_key(hash));
    else
      whole.put(Keyspace::mailbox, thread_key(hash), encode(row));
  }
  whole.require(Keyspace::mailbox, std::string(kAccountKey), state_.version);
  whole.require_absent(Keyspace::directory, std::string(directory::kRemovedKey));
  account.unproven_email = impl_.unproven.first(id_, account.unproven_email);
  whole.put(Keyspace::mailbox, std::string(kAccountKey), encode(account));
}

// By another writer, or by rows that the counters know nothing of.
Task<Result<bool>> AccountWriter::overtaken_by_rows() {
  std::vector<MailboxNumber> numbers(changed_mailboxes_.begin(), changed_mailboxes_.end());
  GODWIT_CO_TRY(co_await impl_.mend_counters(id_, std::move(numbers)));
  co_return false;
}

Task<Result<bool>> AccountWriter::write(std::string_view what, Durability durability) {
  if (overwrites_) {
    is_open_ = false;
    view_.reset();
    co_return co_await overtaken_by_rows();
  }
  co_await keep_log_short();
  prepare(batch_, durability);
  // the last resort: whoever puts rows in asks has_room() before
  if (batch_.bytes() > store::kMaxBatch) co_return fail(Error::permanent(Error::Cause::limit, "too much for one change: do it in parts"));
  is_open_ = false;
  view_.reset();
  const store::WriteDone done = co_await impl_.engine.write(partition(), std::move(batch_));
  if (done.outcome == store::WriteOutcome::conflict) co_return co_await overtaken_by_rows();
  GODWIT_CO_TRY(store::as_result(done, what));
  state_.version = done.version;
  if (untidy_) impl_.set_untidy(id_, true);
  impl_.states.set_ours(id_);
  impl_.states.put(id_, std::move(state_));
  impl_.feed.changed(id_);
  co_return true;
}

}  // namespace godwit::mailbox
