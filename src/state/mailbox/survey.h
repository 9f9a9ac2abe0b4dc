#pragma once
// What the rows of an account add up to. A number counts as given when any row bears witness to it, so that it is not given again.
//
// For one rebuild; holds the small rows of the account in memory.

#include <map>
#include <set>
#include <vector>

#include "state/mailbox/coverage.h"
#include "state/mailbox/rows.h"

namespace godwit::mailbox {

class Survey {
 public:
  Task<Result<void>> read(store::View& view);

  bool nothing() const { return rows_ == 0; }
  // What makes the account whole, to be written in this order; none: it is.
  std::vector<store::Batch> batches(WallTime now);
  const std::vector<std::string>& changes() const { return changes_; }  // what the batches do

 private:
  using Rows = std::map<std::string, std::string>;
  struct Box {
    std::optional<MailboxRow> row;
    Uid highest_uid = 0;
    Modseq highest_modseq = 0;
    MailboxRow counts;
    std::map<std::uint16_t, UidPage> pages;
    Coverage log;
    bool is_unlogged = false;  // a message has a modseq that the log does not know
  };

  Result<void> take(const store::Row& row);
  Result<void> take_email(const store::Row& row);
  Result<void> take_messages(const store::Row& row);
  void take_message(Place place, const Membership& member);
  void take_earlier_message(const store::Row& row);
  void take_earlier_change(const store::Row& row, Modseq modseq);
  Result<void> take_changed(const store::Row& row);
  Result<void> take_expunged(const store::Row& row);
  Result<void> take_orphans(const store::Row& row);
  Result<void> take_left(const store::Row& row);
  Result<void> take_mailbox(const store::Row& row);
  Result<void> take_other(const store::Row& row);
  void saw(EmailId email) { highest_email_ = std::max(highest_email_, email); }
  void saw(Place place) { boxes_[place.mailbox].highest_uid = std::max(boxes_[place.mailbox].highest_uid, place.uid); }
  void saw(MailboxNumber mailbox, Modseq modseq) { boxes_[mailbox].highest_modseq = std::max(boxes_[mailbox].highest_modseq, modseq); }

  // Rows that say where an email is: a message without one would not keep its email alive.
  std::vector<ByEmailKey> missing_by_email() const;
  // The other way round: a message whose page was lost is put back, without its flags.
  void put_back_messages(Rows& rows, AccountRow& account);
  void put_back(const ByEmailKey& lost, Modseq modseq);
  MessagePage& mended(Place place);
  static Modseq next_modseq(AccountRow& account);
  void find_orphans();
  void put_orphans(store::Batch& batch, AccountRow& account);
  void want_log(Rows& rows, AccountRow& account);

  Rows wanted(WallTime now);
  AccountRow wanted_account() const;
  void want_mailboxes(Rows& rows, AccountRow& account, WallTime now);
  void want_threads(Rows& rows) const;
  void want_keywords(Rows& rows) const;
  void tell(const std::string& key);
  store::Batch new_batch() const;

  std::size_t rows_ = 0;
  std::optional<store::RowVersion> version_;  // of the account's row
  std::optional<AccountRow> account_;
  Rows stored_;                   // the rows that are made anew
  std::set<std::string> doomed_;  // rows of mailboxes and emails that are not there
  struct SeenEmail {
    std::uint64_t size = 0;
    WallTime received{};
    Modseq created = 0;
  };
  std::map<EmailId, SeenEmail> emails_;
  std::set<EmailId> orphans_;  // that are to go, and are not counted
  std::set<Place> expunged_;
  std::set<Place> left_;  // and rows by email still list them, as the outbox knows
  std::map<MailboxNumber, std::vector<Gone>> new_orphans_;
  store::Batch orphans_batch_;
  EmailId highest_email_ = 0;
  Modseq highest_modseq_ = 0;
  std::uint64_t tombstones_ = 0;
  std::uint64_t changes_rows_ = 0;
  std::map<std::uint64_t, ThreadRow> threads_;  // by the records of the emails
  std::set<KeywordNumber> keywords_;            // that messages have
  std::vector<ByEmailKey> by_email_;            // as they stand, in their order
  std::vector<ByEmailKey> messages_;            // as they would have to; 16 bytes a message each
  std::map<MessagesKey, MessagePage> mended_;   // pages into which messages are put
  std::uint64_t converted_messages_ = 0;
  Rows converted_log_;
  std::map<MailboxNumber, Box> boxes_;
  std::vector<std::string> changes_;
};

// Counts one message in.
void count(MailboxRow& row, const Membership& member);

}  // namespace godwit::mailbox
