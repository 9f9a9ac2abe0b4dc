#pragma once
// A mail server of the simulated world: it takes mail, and misbehaves as its mood of the moment says. What it has taken it tells the
// ledger, together with whether its 250 went out whole ("heard").

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "dice.h"
#include "edge/net/stream.h"
#include "journal.h"
#include "sim_clock.h"

namespace godwit::simulation {

enum class Trouble : std::uint8_t {
  none,
  refuse,      // connection refused
  black_hole,  // packets vanish
  hang,        // says nothing more from a stage on
  close,       // closes at a stage, perhaps within a reply
  later,       // 4yz at a stage
  never,       // 5yz at a stage
  greylist,    // 451 until the same sender and recipient come again
  rate,        // 421 or 450 after so many messages a minute
  slow,        // each reply takes seconds, the last one minutes
  odd,         // replies that are none, or belong to nothing
  lost_reply,  // takes the message, and its 250 never arrives
  lie,         // says 250 and is gone
  no_tls,      // offers STARTTLS, and every handshake fails
  flaky,       // one of these, now and then
};
inline constexpr std::size_t kTroubles = 15;
std::string_view to_string(Trouble trouble);

enum class Stage : std::uint8_t { greeting, ehlo, mail, rcpt, data, body, dot };
inline constexpr std::size_t kStages = 7;
std::string_view to_string(Stage stage);

struct Mood {
  Trouble trouble = Trouble::none;
  Stage stage = Stage::greeting;
  unsigned limit = 1;  // rate: messages a minute; later: 0 = 451 and nothing else
};

// A message as a server took it.
struct Taken {
  std::string host;
  std::string from;  // "" for <>
  std::vector<std::string> to;
  std::string text;
  SteadyTime begun{};  // its DATA
};

// Who writes down what the servers take.
class PeerLedger {
 public:
  virtual ~PeerLedger() = default;
  virtual std::size_t take(Taken taken) = 0;   // on its disk
  virtual void heard(std::size_t number) = 0;  // the 250 for it went out whole
};

class Peer {
 public:
  Peer(std::string host, std::uint64_t seed, std::uint64_t number, SimClock& clock, Journal& journal, PeerLedger& ledger);

  const std::string& host() const { return host_; }
  const Mood& mood() const { return mood_; }
  void set_mood(Mood mood);
  bool fails_handshakes() const { return mood_.trouble == Trouble::no_tls; }
  // One connection; the peer outlives it.
  Task<> serve(std::shared_ptr<net::Stream> stream);

 private:
  struct Dialogue;
  struct Answer {
    std::string text = {};  // "" = nothing
    bool close = false;     // after that
    bool hang = false;      // nothing more, ever
    bool formed = true;     // it is what the command asks for
    Duration wait{};        // before it
  };

  Task<bool> fill(Dialogue& dialogue);
  Task<bool> line(Dialogue& dialogue, std::string& into);
  Task<bool> say(Dialogue& dialogue, Answer answer);
  Task<bool> command(Dialogue& dialogue, std::string text);
  Task<bool> read_body(Dialogue& dialogue);
  Task<bool> finish(Dialogue& dialogue, std::string body);
  Answer usual(Dialogue& dialogue, const std::string& text, Stage stage);
  Answer disturb(Dialogue& dialogue, Stage stage, Answer usual);
  Answer disturb_as(Trouble trouble, Stage stage, Answer usual);
  Answer reply_to_rcpt(Dialogue& dialogue, const std::string& to);
  bool over_rate();

  const std::string host_;
  SimClock& clock_;
  Journal& journal_;
  Dice dice_;
  PeerLedger& ledger_;
  Mood mood_;
  bool pipelining_;
  bool starttls_;
  bool dsn_;
  bool esmtp_;
  std::map<std::string, SteadyTime> greylist_;  // sender and recipient -> first seen
  std::vector<SteadyTime> recent_;              // messages of the last minute
};

}  // namespace godwit::simulation
