#pragma once
// A command of a simulated client: what goes out, what the client means by it, and what became of it. For the model test alone.

#include <map>
#include <memory>
#include <set>

#include "frontend/imapd/model/view_fixture.h"

namespace godwit::imapd::model {

enum class Verb : std::uint8_t {
  login,
  enable,
  select,
  close,
  unselect,
  logout,
  idle,
  noop,
  fetch,
  store,
  search,
  copy,
  move,
  expunge,
  append,
  create,
  remove,
  rename,
  subscribe,
  unsubscribe,
  status,
  list,
};

// A message that APPEND brings. Its size says which it is, wherever it is copied to.
struct NewContent {
  int content = 0;
  Bits flags = 0;
};
inline constexpr std::size_t kContentHead = 18;
inline std::string bytes_of_content(int content) {
  std::string digits = std::to_string(content);
  digits.insert(0, 5 - digits.size(), '0');
  return "Subject: " + digits + "\r\n\r\n" + std::string(static_cast<std::size_t>(content), 'x');
}
inline std::string date_of_content(int content) {
  std::string day = std::to_string(1 + content % 28);
  if (day.size() == 1) day.insert(0, 1, ' ');
  return day + "-Feb-2020 10:00:00 +0000";
}

struct Command {
  enum class Outcome : std::uint8_t { pending, ok, no, lost };  // lost: the connection or the power went first; it may have been done
  enum class Change : std::uint8_t { replace, add, remove };

  Verb verb = Verb::noop;
  bool uid = false;
  std::string tag;
  std::vector<std::string> pieces;  // each but the first waits for the server's go-ahead
  std::string name, to;             // mailboxes
  std::uint32_t box = 0;            // UIDVALIDITY of the selected one
  std::vector<Uid> uids;            // that it is about, as far as the client knows them
  bool all = false;                 // also about messages whose UIDs the client does not know
  // STORE
  Change change = Change::replace;
  Bits flags = 0;
  bool silent = false;
  std::optional<Modseq> unchanged_since;
  // others
  bool read_only = false;     // EXAMINE, or a mailbox that was opened so
  bool sees = false;          // FETCH that sets \Seen
  bool numbers_view = false;  // UID SEARCH ALL whose answer numbers the messages
  std::vector<NewContent> messages;
  std::shared_ptr<const View> resync;  // SELECT (QRESYNC): what the client said it knows
  std::shared_ptr<const View> recall;  // what it remembers, and asks with CHANGEDSINCE how much of it still holds
  std::optional<Modseq> changed_since;

  // what became of it
  int client = 0;
  std::uint64_t begun = 0;  // all of it was sent
  std::uint64_t ended = 0;
  Outcome outcome = Outcome::pending;
  std::string code;                             // of the answer
  std::string copied;                           // COPYUID, wherever it stood
  std::vector<Uid> modified;                    // MODIFIED, as UIDs
  std::vector<std::uint32_t> found;             // SEARCH
  std::map<Uid, Fetched> fetched;               // what answers told
  std::vector<Uid> vanished;                    // VANISHED (EARLIER)
  std::map<std::string, std::uint64_t> status;  // STATUS
  std::map<std::string, bool> listed;           // LIST: name, subscribed

  // RFC 9051 7.5.1: message numbers keep their meaning while it runs.
  bool keeps_numbers() const { return !uid && (verb == Verb::fetch || verb == Verb::store || verb == Verb::search); }
  // Nothing is pipelined behind it.
  bool blocks() const {
    switch (verb) {
      case Verb::login:
      case Verb::enable:
      case Verb::select:
      case Verb::close:
      case Verb::unselect:
      case Verb::logout:
      case Verb::idle:
      case Verb::remove: return true;
      default: return numbers_view;
    }
  }
  bool was_done() const { return outcome == Outcome::ok; }
  bool may_have_been_done() const { return outcome == Outcome::ok || outcome == Outcome::lost; }
  // RFC 2180 4.2.3: done to those that were still there
  bool was_done_in_part() const { return outcome == Outcome::no && has_code(code, "EXPUNGEISSUED"); }
};

inline Bits changed(Bits flags, const Command& store) {
  switch (store.change) {
    case Command::Change::replace: return store.flags;
    case Command::Change::add: return flags | store.flags;
    case Command::Change::remove: return flags & static_cast<Bits>(~store.flags);
  }
  return flags;
}

}  // namespace godwit::imapd::model
