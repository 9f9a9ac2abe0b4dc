#pragma once
// What the rows of an account add up to. A number counts as given when any row bears witness to it, so that it is not given again.
//
// For one rebuild; holds the small rows of the account in memory.

#include <map>
#include <set>
#include <vector>

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
  };

  Result<void> take(const store::Row& row);
  Result<void> take_email(const store::Row& row);
  Result<void> take_membership(const store::Row& row);
  Result<void> take_change(const store::Row& row);
  Result<void> take_mailbox(const store::Row& row);
  Result<void> take_other(const store::Row& row);
  void saw(EmailId email) { highest_email_ = std::max(highest_email_, email); }
  void saw(MembershipKey key) { boxes_[key.mailbox].highest_uid = std::max(boxes_[key.mailbox].highest_uid, key.uid); }
  void saw(MailboxNumber mailbox, Modseq modseq) { boxes_[mailbox].highest_modseq = std::max(boxes_[mailbox].highest_modseq, modseq); }

  // Rows that say where an email is: a membership without one would not keep its email alive. One without its membership stays: it is all
  // that is known of a message whose own row was lost.
  std::vector<ByEmailKey> missing_by_email() const;

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
  std::set<EmailId> emails_seen_;
  EmailId highest_email_ = 0;
  Modseq highest_modseq_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t tombstones_ = 0;
  std::map<std::uint64_t, ThreadRow> threads_;  // by the records of the emails
  std::set<KeywordNumber> keywords_;            // that messages have
  std::vector<ByEmailKey> by_email_;            // as they stand, in their order
  std::vector<ByEmailKey> memberships_;         // as they would have to; 16 bytes a message each
  std::map<MailboxNumber, Box> boxes_;
  std::vector<std::string> changes_;
};

// Counts one message in.
void count(MailboxRow& row, const Membership& member);

}  // namespace godwit::mailbox
