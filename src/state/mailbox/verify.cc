// Counts everything of an account again and compares it with what its rows say.

#include <fmt/format.h>

#include <map>
#include <set>

#include "state/mailbox/coverage.h"
#include "state/mailbox/mailbox_impl.h"
#include "state/mailbox/members.h"
#include "state/mailbox/survey.h"

namespace godwit::mailbox {
namespace {

using store::Keyspace;

constexpr std::size_t kMaxSentences = 1'000;

// What the rows of one mailbox add up to.
struct Tally {
  MailboxRow counts;
  Uid highest_uid = 0;
  Modseq highest_modseq = 0;
  std::map<std::uint16_t, UidPage> pages;
};

struct SeenEmail {
  std::uint64_t size = 0;
  Email email;
  MessageId message;
  std::size_t messages = 0;
  std::size_t listed = 0;  // rows by email
};

class Audit {
 public:
  Audit(directory::AccountId account, store::View& view) : account_(account), view_(view) {}

  Task<Result<void>> read_account();
  Task<Result<void>> read_emails();
  Task<Result<void>> read_left();
  Task<Result<void>> read_orphans();
  Task<Result<void>> read_messages();
  Task<Result<void>> read_by_email();
  Task<Result<void>> read_changed();
  Task<Result<void>> read_expunged();
  Task<Result<void>> read_mailboxes();
  Task<Result<void>> read_pages();
  Task<Result<void>> read_threads();
  Task<Result<void>> read_keywords();
  Task<Result<void>> read_strays();
  void compare();

  const std::map<EmailId, SeenEmail>& emails() const { return emails_; }
  bool is_orphan(EmailId email) const { return orphans_.contains(email); }
  std::vector<std::string> take() { return std::move(sentences_); }

  template <class... Arguments>
  void say(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    if (sentences_.size() >= kMaxSentences) return;
    sentences_.push_back(fmt::format("account {}: ", account_) + fmt::format(format, std::forward<Arguments>(arguments)...));
  }

 private:
  void count_message(Place place, const Membership& member);
  void compare_mailbox(MailboxNumber number, const MailboxRow& row, const Tally& tally);
  void compare_names();

  directory::AccountId account_;
  store::View& view_;
  AccountRow row_;
  std::map<EmailId, SeenEmail> emails_;
  std::set<Place> left_;  // messages that have gone, though rows by email still list them
  std::set<EmailId> orphans_;
  std::map<MailboxNumber, MailboxRow> mailboxes_;
  std::map<MailboxNumber, Tally> tallies_;
  struct SeenMessage {
    EmailId email = 0;
    Modseq modseq = 0;
  };
  std::map<Place, SeenMessage> messages_;
  std::map<MailboxNumber, std::map<std::uint16_t, UidPage>> pages_;
  std::map<std::uint64_t, std::uint32_t> threads_;  // emails by the hash of a msg-id
  std::set<KeywordNumber> keywords_;                // that messages have
  std::vector<std::string> sentences_;
};

Task<Result<void>> Audit::read_account() {
  GODWIT_CO_ASSIGN(const auto row, co_await view_.get(Keyspace::mailbox, std::string(kAccountKey)));
  if (row) {
    GODWIT_CO_ASSIGN(row_, decode_account(row->value));
  }
  co_return Result<void>{};
}

Task<Result<void>> Audit::read_emails() {
  PrefixScan scan(view_, Keyspace::mailbox, std::string(kAllEmails));
  for (;;) {
    GODWIT_CO_ASSIGN(const auto rows, co_await scan.next());
    if (rows.empty()) co_return Result<void>{};
    for (const auto& row : rows) {
      GODWIT_CO_ASSIGN(const EmailId id, parse_number_key(row.key));
      const auto decoded = decode_email(row.value);
      if (!decoded) {
        say("the record of email {} cannot be read", id);
        continue;
      }
      const Email& email = decoded->email;
      for (const std::uint64_t hash : decoded->threads) ++threads_[hash];
      emails_[id] = {email.prefix.size() + email.blob_size, {{}, email.blob, email.blob_size, email.received, 0}, decoded->message, 0, 0};
    }
  }
}

Task<Result<void>> Audit::read_left() {
  PrefixScan scan(view_, Keyspace::outbox, std::string(kAllLeft));
  for (;;) {
    GODWIT_CO_ASSIGN(const auto rows, co_await scan.next());
    if (rows.empty()) co_return Result<void>{};
    for (const auto& row : rows) {
      const auto left = decode_gone(row.value);
      if (!left) {
        say("an entry of the outbox cannot be read");
        continue;
      }
      for (const Gone& each : left->messages) left_.insert({left->mailbox, each.uid});
    }
  }
}

Task<Result<void>> Audit::read_orphans() {
  PrefixScan scan(view_, Keyspace::outbox, std::string(kAllOrphans));
  for (;;) {
    GODWIT_CO_ASSIGN(const auto rows, co_await scan.next());
    if (rows.empty()) co_return Result<void>{};
    for (const auto& row : rows) {
      const auto orphans = decode_gone(row.value);
      if (!orphans) {
        say("an entry of the outbox cannot be read");
        continue;
      }
      for (const Gone& each : orphans->messages) orphans_.insert(each.email);
    }
  }
}

void Audit::count_message(Place place, const Membership& member) {
  messages_.emplace(place, SeenMessage{member.email, member.modseq});
  Tally& tally = tallies_[place.mailbox];
  count(tally.counts, member);
  keywords_.insert(member.keywords.begin(), member.keywords.end());
  tally.highest_uid = std::max(tally.highest_uid, place.uid);
  tally.highest_modseq = std::max(tally.highest_modseq, member.modseq);
  tally.pages[UidPage::page_of(place.uid)].insert(static_cast<std::uint16_t>(place.uid));
  const auto email = emails_.find(member.email);
  if (email == emails_.end()) {
    say("message {} of mailbox {} names email {}, which does not exist", place.uid, place.mailbox, member.email);
    return;
  }
  ++email->second.messages;
  if (email->second.size != member.size)
    say("message {} of mailbox {} says {} octets, its email has {}", place.uid, place.mailbox, member.size, email->second.size);
  if (left_.contains(place)) say("message {} of mailbox {} is there although the outbox says that it has gone", place.uid, place.mailbox);
  if (orphans_.contains(member.email)) say("email {} is to go and has message {} of mailbox {}", member.email, place.uid, place.mailbox);
}

Task<Result<void>> Audit::read_messages() {
  PrefixScan scan(view_, Keyspace::mailbox, std::string(kAllMessages));
  for (;;) {
    GODWIT_CO_ASSIGN(const auto rows, co_await scan.next());
    if (rows.empty()) co_return Result<void>{};
    for (const auto& row : rows) {
      GODWIT_CO_ASSIGN(const auto key, parse_messages_key(row.key));
      const auto page = MessagePage::decode(key.page, row.value);
      if (!page) {
        say("page {} of the messages of mailbox {} cannot be read", key.page, key.mailbox);
        continue;
      }
      for (const Member& each : page->members()) count_message({key.mailbox, each.uid}, each.row);
    }
  }
}

Task<Result<void>> Audit::read_by_email() {
  PrefixScan scan(view_, Keyspace::mailbox, std::string(kAllByEmail));
  for (;;) {
    GODWIT_CO_ASSIGN(const auto rows, co_await scan.next());
    if (rows.empty()) co_return Result<void>{};
    for (const auto& row : rows) {
      GODWIT_CO_ASSIGN(const auto key, parse_by_email_key(row.key));
      if (orphans_.contains(key.email) || left_.contains(key.place)) continue;
      const auto message = messages_.find(key.place);
      if (message == messages_.end() || message->second.email != key.email)
        say("email {} lists message {} of mailbox {}, which is not there", key.email, key.place.uid, key.place.mailbox);
      else if (const auto email = emails_.find(key.email); email != emails_.end())
        ++email->second.listed;
    }
  }
}

Task<Result<void>> Audit::read_changed() {
  std::map<MailboxNumber, Coverage> log;
  std::uint64_t count = 0;
  PrefixScan scan(view_, Keyspace::mailbox, std::string(kAllChanged));
  for (;;) {
    GODWIT_CO_ASSIGN(const auto rows, co_await scan.next());
    if (rows.empty()) break;
    count += rows.size();
    for (const auto& row : rows) {
      GODWIT_CO_ASSIGN(const Modseq modseq, parse_number_key(row.key));
      const auto changed = decode_changed(row.value);
      if (!changed)
        say("change {} cannot be read", modseq);
      else
        log[changed->mailbox].add(changed->uids, modseq);
      if (modseq > row_.modseq) say("change {} is above the account's modseq {}", modseq, row_.modseq);
    }
  }
  if (row_.changes != count) say("the account says {} entries of changes, {} are there", row_.changes, count);
  for (const auto& [place, message] : messages_) {
    const Modseq logged = log[place.mailbox].at(place.uid);
    if (logged < message.modseq)
      say("message {} of mailbox {} has modseq {}, the change log does not", place.uid, place.mailbox, message.modseq);
  }
  co_return Result<void>{};
}

Task<Result<void>> Audit::read_expunged() {
  std::uint64_t tombstones = 0;
  PrefixScan scan(view_, Keyspace::mailbox, std::string(kAllExpunged));
  for (;;) {
    GODWIT_CO_ASSIGN(const auto rows, co_await scan.next());
    if (rows.empty()) break;
    for (const auto& row : rows) {
      GODWIT_CO_ASSIGN(const Modseq modseq, parse_number_key(row.key));
      if (modseq > row_.modseq) say("change {} is above the account's modseq {}", modseq, row_.modseq);
      const auto expunged = decode_expunged(row.value);
      if (!expunged) {
        say("change {} cannot be read", modseq);
        continue;
      }
      tombstones += expunged->messages.size();
      for (const Tombstone& each : expunged->messages) {
        if (messages_.contains({expunged->mailbox, each.uid}))
          say("message {} of mailbox {} is there although change {} expunged it", each.uid, expunged->mailbox, modseq);
      }
    }
  }
  if (row_.tombstones != tombstones) say("the account says {} tombstones, {} are there", row_.tombstones, tombstones);
  co_return Result<void>{};
}

Task<Result<void>> Audit::read_mailboxes() {
  PrefixScan scan(view_, Keyspace::mailbox, std::string(kAllMailboxes));
  for (;;) {
    GODWIT_CO_ASSIGN(const auto rows, co_await scan.next());
    if (rows.empty()) co_return Result<void>{};
    for (const auto& row : rows) {
      GODWIT_CO_ASSIGN(const auto number, parse_mailbox_key(row.key));
      GODWIT_CO_ASSIGN(auto decoded, decode_mailbox(row.value));
      mailboxes_[number] = std::move(decoded);
    }
  }
}

Task<Result<void>> Audit::read_pages() {
  PrefixScan scan(view_, Keyspace::mailbox, std::string(kAllPages));
  for (;;) {
    GODWIT_CO_ASSIGN(const auto rows, co_await scan.next());
    if (rows.empty()) co_return Result<void>{};
    for (const auto& row : rows) {
      GODWIT_CO_ASSIGN(const auto key, parse_page_key(row.key));
      GODWIT_CO_ASSIGN(auto page, UidPage::decode(row.value));
      pages_[key.mailbox][key.page] = std::move(page);
    }
  }
}

Task<Result<void>> Audit::read_threads() {
  PrefixScan scan(view_, Keyspace::mailbox, std::string(kAllThreads));
  for (;;) {
    GODWIT_CO_ASSIGN(const auto rows, co_await scan.next());
    if (rows.empty()) break;
    for (const auto& row : rows) {
      GODWIT_CO_ASSIGN(const std::uint64_t hash, parse_number_key(row.key));
      const auto thread = decode_thread(row.value);
      const auto counted = threads_.extract(hash);
      const std::uint32_t emails = counted ? counted.mapped() : 0;
      if (!thread)
        say("thread {:x} cannot be read", hash);
      else if (thread->emails != emails)
        say("thread {:x} says {} emails, {} are there", hash, thread->emails, emails);
    }
  }
  for (const auto& [hash, emails] : threads_) say("thread {:x} of {} emails is not there", hash, emails);
  co_return Result<void>{};
}

Task<Result<void>> Audit::read_keywords() {
  GODWIT_CO_ASSIGN(const Keywords known, co_await mailbox::read_keywords(view_));
  for (const KeywordNumber number : keywords_) {
    if (known.name(number).empty()) say("keyword {} has no name", number);
  }
  co_return Result<void>{};
}

Task<Result<void>> Audit::read_strays() {
  PrefixScan details(view_, Keyspace::mailbox, std::string(kAllDetails));
  for (;;) {
    GODWIT_CO_ASSIGN(const auto rows, co_await details.next());
    if (rows.empty()) break;
    for (const auto& row : rows) {
      GODWIT_CO_ASSIGN(const EmailId id, parse_number_key(row.key));
      if (!emails_.contains(id)) say("there are details of email {}, which does not exist", id);
    }
  }
  PrefixScan recents(view_, Keyspace::mailbox, std::string(kAllRecents));
  for (;;) {
    GODWIT_CO_ASSIGN(const auto rows, co_await recents.next());
    if (rows.empty()) co_return Result<void>{};
    for (const auto& row : rows) {
      GODWIT_CO_ASSIGN(const MailboxNumber number, parse_mailbox_key(row.key));
      if (!mailboxes_.contains(number)) say("messages are recent in mailbox {}, which does not exist", number);
    }
  }
}

void Audit::compare_mailbox(MailboxNumber number, const MailboxRow& row, const Tally& tally) {
  const MailboxRow& counts = tally.counts;
  if (row.total != counts.total) say("mailbox {} says {} messages, {} are there", number, row.total, counts.total);
  if (row.unseen != counts.unseen) say("mailbox {} says {} unseen, {} are", number, row.unseen, counts.unseen);
  if (row.deleted != counts.deleted) say("mailbox {} says {} deleted, {} are", number, row.deleted, counts.deleted);
  if (row.bytes != counts.bytes) say("mailbox {} says {} octets, there are {}", number, row.bytes, counts.bytes);
  if (row.deleted_bytes != counts.deleted_bytes)
    say("mailbox {} says {} octets deleted, there are {}", number, row.deleted_bytes, counts.deleted_bytes);
  if (row.uid_next <= tally.highest_uid) say("mailbox {} would give UID {} again", number, row.uid_next);
  if (row.highest_modseq < tally.highest_modseq || row.highest_modseq > row_.modseq)
    say("mailbox {} says highest modseq {}, its messages have {}, the account {}", number, row.highest_modseq, tally.highest_modseq,
        row_.modseq);
  if (pages_[number] != tally.pages) say("the UID pages of mailbox {} differ from its messages", number);
  if (number > row_.last_mailbox) say("the number of mailbox {} would be given again", number);
}

void Audit::compare_names() {
  std::map<std::string_view, MailboxNumber> names;
  std::map<SpecialUse, MailboxNumber> uses;
  for (const auto& [number, row] : mailboxes_) {
    if (const auto [other, is_new] = names.emplace(row.name, number); !is_new)
      say("mailboxes {} and {} have the same name", other->second, number);
    if (row.special_use == SpecialUse::none) continue;
    if (const auto [other, is_new] = uses.emplace(row.special_use, number); !is_new)
      say("mailboxes {} and {} have the same special use", other->second, number);
  }
}

void Audit::compare() {
  std::uint64_t bytes = 0;
  std::uint64_t emails = 0;
  for (const auto& [id, email] : emails_) {
    const bool is_orphan = orphans_.contains(id);
    bytes += is_orphan ? 0 : email.size;
    emails += is_orphan ? 0 : 1;
    if (email.messages == 0 && !is_orphan) say("email {} is in no mailbox", id);
    if (email.messages != email.listed) say("email {} is in {} mailboxes, {} are listed", id, email.messages, email.listed);
    if (id > row_.last_email) say("the number of email {} would be given again", id);
  }
  if (row_.emails != emails) say("the account says {} emails, {} are there", row_.emails, emails);
  if (row_.bytes != bytes) say("the account says {} octets, there are {}", row_.bytes, bytes);
  for (const auto& [number, row] : mailboxes_) compare_mailbox(number, row, tallies_[number]);
  for (const auto& [number, tally] : tallies_) {
    if (tally.counts.total != 0 && !mailboxes_.contains(number))
      say("{} messages are in mailbox {}, which does not exist", tally.counts.total, number);
  }
  compare_names();
}

}  // namespace

Task<Result<std::vector<std::string>>> Mailboxes::verify(directory::AccountId account) {
  const auto view = impl_->engine.read(directory::partition_of(account));
  GODWIT_CO_ASSIGN(const bool removed, co_await is_removed(*view));
  if (removed) co_return std::vector<std::string>();
  Audit audit(account, *view);
  GODWIT_CO_TRY(co_await audit.read_account());
  GODWIT_CO_TRY(co_await audit.read_emails());
  GODWIT_CO_TRY(co_await audit.read_orphans());
  GODWIT_CO_TRY(co_await audit.read_left());
  GODWIT_CO_TRY(co_await audit.read_messages());
  GODWIT_CO_TRY(co_await audit.read_by_email());
  GODWIT_CO_TRY(co_await audit.read_changed());
  GODWIT_CO_TRY(co_await audit.read_expunged());
  GODWIT_CO_TRY(co_await audit.read_mailboxes());
  GODWIT_CO_TRY(co_await audit.read_pages());
  GODWIT_CO_TRY(co_await audit.read_threads());
  GODWIT_CO_TRY(co_await audit.read_keywords());
  GODWIT_CO_TRY(co_await audit.read_strays());
  audit.compare();
  for (const auto& [id, email] : audit.emails()) {
    if (audit.is_orphan(id)) continue;
    const store::BlobId blob = email.email.blob;
    GODWIT_CO_ASSIGN(const auto reference,
                     co_await impl_->engine.get(blob.partition, Keyspace::blob_refs, blob_ref_key(blob, account, id)));
    if (!reference) {
      GODWIT_CO_ASSIGN(const bool queued, co_await impl_->queue_has(email.message));
      if (!queued) audit.say("email {} has no reference to its blob {}", id, blob.text());
    }
    const auto size = co_await impl_->blobs.size(blob);
    if (!size)
      audit.say("the bytes of email {} (blob {}) cannot be read: {}", id, blob.text(), size.error().text);
    else if (*size != email.email.blob_size)
      audit.say("blob {} of email {} has {} octets, not {}", blob.text(), id, *size, email.email.blob_size);
  }
  co_return audit.take();
}

}  // namespace godwit::mailbox
