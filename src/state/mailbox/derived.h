#pragma once
// What readers work out of emails again and again (sort keys, responses), kept in memory as records by UID: an email never changes, nor
// does what a UID stands for. A front end says what a record is; here they are made once, kept in pages of kDerivedUids UIDs, and the pages
// that nobody has asked for longest go first (DerivedCache). Only flags, keywords and modseqs cannot be part of a record.
//
//   listing = mailboxes.listing(account, mailbox)              once a command
//   page    = mailboxes.derived(listing, range, derivation)    for each page; no look at the store if all of it is known

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "state/directory/directory.h"
#include "state/mailbox/details.h"
#include "state/mailbox/email.h"
#include "state/mailbox/uid_set.h"

namespace godwit::mailbox {

inline constexpr Uid kDerivedUids = 1'024;  // those with the same UID / kDerivedUids are one page

struct Derivation {
  std::uint8_t kind = 0;  // readers number them: the same kind is always made in the same way
  std::uint8_t want = 0;  // Details::Want
  // The record; some KiB at most. `details`: null if they cannot be read, and then it is made anew the next time.
  std::function<std::string(const MessageInfo& info, const Details* details)> make;
};

// A mailbox as it was when a command began. A value.
struct Listing {
  directory::AccountId account = 0;
  MailboxNumber mailbox = 0;
  std::uint32_t uid_validity = 0;
  UidSet uids;
};

// Records of messages with UIDs near each other. Shared between readers once it is made: any thread.
class DerivedPage {
 public:
  std::size_t count() const { return uids_.size(); }
  Uid uid(std::size_t index) const { return uids_[index]; }  // ascending
  std::string_view record(std::size_t index) const;
  // The first record whose UID is not less; count() if there is none.
  std::size_t find(Uid uid) const;
  // Whether the record is there and need not be made anew.
  bool has(Uid uid) const;
  bool settled() const { return unsettled_.empty(); }  // none need be made anew
  std::size_t memory() const;

  // In ascending order. `settled` false: made anew the next time.
  void add(Uid uid, std::string_view record, bool settled);
  void reserve(std::size_t count, std::size_t bytes);
  void shrink();  // to what it holds

 private:
  std::vector<Uid> uids_;
  std::vector<std::uint32_t> ends_;  // of records in records_
  std::string records_;
  std::vector<Uid> unsettled_;  // ascending
};

}  // namespace godwit::mailbox
