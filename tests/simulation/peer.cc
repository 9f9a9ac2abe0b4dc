#include "peer.h"

#include <algorithm>
#include <utility>

namespace godwit::simulation {
namespace {

using namespace std::chrono_literals;
constexpr Duration kPatience = 2h;
constexpr Duration kGreylisted = 5min;

std::string address_in(const std::string& text) {
  const auto begin = text.find('<');
  const auto end = text.find('>');
  if (begin == std::string::npos || end == std::string::npos) return {};
  return text.substr(begin + 1, end - begin - 1);
}

}  // namespace

std::string_view to_string(Trouble trouble) {
  static constexpr std::string_view kNames[kTroubles] = {"none",  "refuse",     "black_hole", "hang",   "close",
                                                         "later", "never",      "greylist",   "rate",   "slow",
                                                         "odd",   "lost_reply", "lie",        "no_tls", "flaky"};
  return kNames[static_cast<std::size_t>(trouble)];
}

std::string_view to_string(Stage stage) {
  static constexpr std::string_view kNames[kStages] = {"greeting", "ehlo", "mail", "rcpt", "data", "body", "dot"};
  return kNames[static_cast<std::size_t>(stage)];
}

struct Peer::Dialogue {
  std::shared_ptr<net::Stream> stream;
  std::string buffer;
  bool open_from = false;
  std::string from;
  std::vector<std::string> to;
  SteadyTime begun{};
  bool encrypted = false;
  bool odd = false;  // something was said that answers nothing: from here on nobody knows what was heard
};

Peer::Peer(std::string host, std::uint64_t seed, std::uint64_t number, SimClock& clock, Journal& journal, PeerLedger& ledger)
    : host_(std::move(host)),
      clock_(clock),
      journal_(journal),
      dice_(seed, 1'000 + number),
      ledger_(ledger),
      pipelining_(dice_.chance(70)),
      starttls_(dice_.chance(40)),
      dsn_(dice_.chance(40)),
      esmtp_(dice_.chance(95)) {}

void Peer::set_mood(Mood mood) {
  mood_ = mood;
  if (mood.trouble != Trouble::greylist) greylist_.clear();
}

Task<bool> Peer::fill(Dialogue& dialogue) {
  char bytes[8'192];
  const auto count = co_await dialogue.stream->read(bytes, kPatience);
  if (!count || *count == 0) co_return false;
  dialogue.buffer.append(bytes, *count);
  co_return true;
}

// false: the client is gone.
Task<bool> Peer::line(Dialogue& dialogue, std::string& into) {
  auto end = dialogue.buffer.find("\r\n");
  while (end == std::string::npos) {
    if (!co_await fill(dialogue)) co_return false;
    end = dialogue.buffer.find("\r\n");
  }
  into = dialogue.buffer.substr(0, end);
  dialogue.buffer.erase(0, end + 2);
  co_return true;
}

// false: the dialogue is over.
Task<bool> Peer::say(Dialogue& dialogue, Answer answer) {
  if (answer.wait > Duration(0)) co_await clock_.sleep(answer.wait);
  dialogue.odd = dialogue.odd || !answer.formed;
  journal_.add(
      fmt::format("{} says {}{}{}", host_, answer.text.substr(0, 60), answer.hang ? " and hangs" : "", answer.close ? " and closes" : ""));
  if (!answer.text.empty()) {
    const auto written = co_await dialogue.stream->write(answer.text, kPatience);
    if (!written) co_return false;
  }
  while (answer.hang && co_await fill(dialogue)) dialogue.buffer.clear();
  co_return !answer.close && !answer.hang;
}

bool Peer::over_rate() {
  std::erase_if(recent_, [this](SteadyTime when) { return when + 1min < clock_.steady(); });
  return recent_.size() >= mood_.limit;
}

Peer::Answer Peer::reply_to_rcpt(Dialogue& dialogue, const std::string& to) {
  if (to.starts_with("nobody")) return {.text = "550 5.1.1 No such user\r\n"};
  if (to.starts_with("full") && mood_.trouble != Trouble::none) return {.text = "452 4.2.2 Mailbox full\r\n"};
  if (mood_.trouble == Trouble::greylist) {
    const auto [first, is_new] = greylist_.try_emplace(dialogue.from + " " + to, clock_.steady());
    if (is_new || first->second + kGreylisted > clock_.steady()) return {.text = "451 4.7.1 Greylisted, please try again later\r\n"};
  }
  dialogue.to.push_back(to);
  return {.text = "250 2.1.5 Ok\r\n"};
}

Peer::Answer Peer::usual(Dialogue& dialogue, const std::string& text, Stage stage) {
  switch (stage) {
    case Stage::greeting: return {.text = "220 " + host_ + " ESMTP\r\n"};
    case Stage::ehlo: {
      if (!esmtp_ && text.starts_with("EHLO")) return {.text = "500 5.5.1 What?\r\n"};
      if (text.starts_with("HELO")) return {.text = "250 " + host_ + "\r\n"};
      std::string reply = "250-" + host_ + "\r\n";
      if (pipelining_) reply += "250-PIPELINING\r\n";
      if (starttls_ && !dialogue.encrypted) reply += "250-STARTTLS\r\n";
      if (dsn_) reply += "250-DSN\r\n";
      return {.text = reply + "250-8BITMIME\r\n250-SIZE 10485760\r\n250 ENHANCEDSTATUSCODES\r\n"};
    }
    case Stage::mail:
      if (dialogue.open_from) return {.text = "503 5.5.1 Nested MAIL\r\n"};
      if (mood_.trouble == Trouble::rate && over_rate())
        return dice_.chance(50) ? Answer{.text = "421 4.7.0 Too many messages, slow down\r\n", .close = true}
                                : Answer{.text = "450 4.7.1 Rate limit exceeded\r\n"};
      dialogue.open_from = true;
      dialogue.from = address_in(text);
      return {.text = "250 2.1.0 Ok\r\n"};
    case Stage::rcpt:
      if (!dialogue.open_from) return {.text = "503 5.5.1 MAIL first\r\n"};
      return reply_to_rcpt(dialogue, address_in(text));
    case Stage::data:
      if (dialogue.to.empty()) return {.text = "554 5.5.1 No valid recipients\r\n"};
      return {.text = "354 Go ahead\r\n"};
    case Stage::body:
    case Stage::dot: return {.text = "250 2.0.0 Taken\r\n"};
  }
  return {};
}

// What the mood makes of a usual answer.
Peer::Answer Peer::disturb(Dialogue& dialogue, Stage stage, Answer usual) {
  switch (mood_.trouble) {
    case Trouble::none:
    case Trouble::refuse:
    case Trouble::black_hole:
    case Trouble::greylist:
    case Trouble::rate:
    case Trouble::no_tls: return usual;
    case Trouble::slow:
      usual.wait = stage == Stage::dot && dice_.chance(30) ? dice_.between(Duration(4min), Duration(15min))
                                                           : dice_.between(Duration(20), Duration(20s));
      return usual;
    case Trouble::lost_reply:
    case Trouble::lie:
      if (stage != Stage::dot || !dice_.chance(70)) return usual;
      return disturb_as(mood_.trouble, stage, std::move(usual));
    case Trouble::flaky: {
      if (!dice_.chance(8)) return usual;
      const Trouble some = dice_.one_of({Trouble::hang, Trouble::close, Trouble::later, Trouble::odd, Trouble::lost_reply, Trouble::slow});
      if (some == Trouble::lost_reply && stage != Stage::dot) return usual;
      return disturb_as(some, stage, std::move(usual));
    }
    case Trouble::hang:
    case Trouble::close:
    case Trouble::later:
    case Trouble::never:
    case Trouble::odd: break;
  }
  const bool turn = stage == mood_.stage && (dialogue.odd || dice_.chance(80));
  return turn ? disturb_as(mood_.trouble, stage, std::move(usual)) : usual;
}

Peer::Answer Peer::disturb_as(Trouble trouble, Stage stage, Answer usual) {
  switch (trouble) {
    case Trouble::hang: return {.hang = true, .formed = false};
    case Trouble::close: {
      const std::size_t some = dice_.chance(50) ? 0 : dice_.below(usual.text.size() > 2 ? usual.text.size() - 2 : 1);
      return {.text = usual.text.substr(0, some), .close = true, .formed = false};
    }
    case Trouble::later:
      if (mood_.limit == 0) return {.text = "451 4.3.0 Try later\r\n"};
      if (dice_.chance(20)) return {.text = "421 4.3.2 Closing\r\n", .close = true};
      return {.text = dice_.one_of<std::string>(
                  {"451 4.3.0 Try later\r\n", "450 4.2.0 Not now\r\n", "452 4.3.1 Disk full\r\n", "454 4.7.0 No TLS now\r\n"})};
    case Trouble::never:
      return {.text = dice_.one_of<std::string>(
                  {"550 5.7.1 Blocked\r\n", "554 5.7.1 Spam\r\n", "553 5.1.8 Bad sender\r\n", "521 5.3.2 No mail here\r\n"})};
    case Trouble::slow: usual.wait = dice_.between(Duration(1s), Duration(11min)); return usual;
    case Trouble::odd:
      // Never a 2yz that nothing has earned: after such a lie nobody could say what was lost.
      return {.text = dice_.one_of<std::string>({"garbage\r\n", "999 what\r\n", "250-\r\n550 mixed\r\n", "\r\n", "354 Go\r\n", "45\r\n",
                                                 "451 a\r\n451 b\r\n", "250-unfinished\r\n", std::string(6'000, 'x') + "\r\n",
                                                 "\xff\xfe\r\n", "334 VXNlcg==\r\n"}),
              .close = dice_.chance(30),
              .formed = false};
    case Trouble::lost_reply:
      if (dice_.chance(40)) return {.close = true, .formed = false};
      if (dice_.chance(50)) return {.text = "250 2.0", .close = true, .formed = false};
      return {.hang = true, .formed = false};
    case Trouble::lie: usual.close = true; return usual;
    case Trouble::none:
    case Trouble::refuse:
    case Trouble::black_hole:
    case Trouble::greylist:
    case Trouble::rate:
    case Trouble::no_tls:
    case Trouble::flaky: break;
  }
  static_cast<void>(stage);
  return usual;
}

Task<bool> Peer::command(Dialogue& dialogue, std::string text) {
  Stage stage = Stage::ehlo;
  if (text.starts_with("MAIL FROM:")) stage = Stage::mail;
  if (text.starts_with("RCPT TO:")) stage = Stage::rcpt;
  if (text == "DATA") stage = Stage::data;
  Answer answer;
  if (text == "QUIT") {
    answer = {.text = "221 2.0.0 Bye\r\n", .close = true};
  } else if (text == "RSET" || text == "NOOP") {
    answer = {.text = "250 2.0.0 Ok\r\n"};
  } else if (text == "STARTTLS") {
    answer = {.text = "220 2.0.0 Go ahead\r\n"};
    dialogue.encrypted = true;
  } else if (stage == Stage::ehlo && !text.starts_with("EHLO") && !text.starts_with("HELO")) {
    answer = {.text = "500 5.5.2 What?\r\n"};
  } else {
    answer = usual(dialogue, text, stage);
    const bool took_rcpt = stage == Stage::rcpt && answer.text.starts_with('2');
    answer = disturb(dialogue, stage, std::move(answer));
    const bool takes = answer.text.starts_with('2') && answer.formed;
    if (took_rcpt && !takes) dialogue.to.pop_back();
    if (stage == Stage::mail && !takes) dialogue.open_from = false;
  }
  if (text == "RSET" || text.starts_with("EHLO") || text.starts_with("HELO") || text == "STARTTLS") {
    dialogue.open_from = false;
    dialogue.to.clear();
  }
  const bool data = stage == Stage::data && answer.text.starts_with("354") && answer.formed;
  if (!co_await say(dialogue, std::move(answer))) co_return false;
  dialogue.begun = clock_.steady();
  if (data) co_return co_await read_body(dialogue);
  co_return true;
}

Task<bool> Peer::read_body(Dialogue& dialogue) {
  std::string body;
  std::string text;
  const bool disturbed = mood_.stage == Stage::body && (mood_.trouble == Trouble::close || mood_.trouble == Trouble::hang);
  while (true) {
    if (!co_await line(dialogue, text)) co_return false;
    if (disturbed && body.size() > 200) {
      Answer answer = disturb_as(mood_.trouble, Stage::body, {});
      co_return co_await say(dialogue, std::move(answer));
    }
    if (text == ".") break;
    body += (text.starts_with('.') ? text.substr(1) : text) + "\r\n";
  }
  co_return co_await finish(dialogue, std::move(body));
}

Task<bool> Peer::finish(Dialogue& dialogue, std::string body) {
  Answer answer = disturb(dialogue, Stage::dot, usual(dialogue, ".", Stage::dot));
  Taken taken{host_, dialogue.from, dialogue.to, std::move(body), dialogue.begun};
  dialogue.open_from = false;
  dialogue.to.clear();
  // 4yz and 5yz: refused, nothing is kept. What is no reply: it has the message all the same.
  const bool refused = answer.formed && !answer.text.starts_with('2');
  const bool sound = answer.formed && !dialogue.odd;
  // A slow server keeps the message before it answers, or after that.
  if (answer.wait > Duration(0) && dice_.chance(50)) co_await clock_.sleep(std::exchange(answer.wait, Duration(0)));
  std::size_t number = 0;
  if (!refused) {
    recent_.push_back(clock_.steady());
    number = ledger_.take(std::move(taken));
  }
  const bool over = answer.close || answer.hang;
  answer.close = false;
  const bool said = co_await say(dialogue, std::move(answer));
  if (!refused && sound && said) ledger_.heard(number);
  co_return said && !over;
}

Task<> Peer::serve(std::shared_ptr<net::Stream> stream) {
  Dialogue dialogue;
  dialogue.stream = std::move(stream);
  Answer hello = usual(dialogue, "", Stage::greeting);
  hello = disturb(dialogue, Stage::greeting, std::move(hello));
  bool going = co_await say(dialogue, std::move(hello));
  std::string text;
  while (going) {
    going = co_await line(dialogue, text);
    if (going) going = co_await command(dialogue, text);
  }
  dialogue.stream->close();
}

}  // namespace godwit::simulation
