#include "testing/fake_resolver.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "edge/dns/name.h"

namespace godwit::testing {
namespace {

using dns::Question;
using dns::Response;
using dns::Security;
using dns::Status;
using dns::Type;

constexpr int kMaxChain = 11;  // as libunbound

struct Host {
  std::map<Type, dns::Records> records;
  std::optional<std::chrono::seconds> ttl;
  Security security = Security::insecure;
  std::optional<std::string> failure;
  std::map<Type, std::string> failures;
  bool silent = false;
  Duration delay{0};
};

struct Slot {
  std::unique_ptr<Timer> timer;
};

std::string normal(std::string_view name) {
  auto text = dns::normal_name(name);
  GODWIT_CHECK(text.has_value());
  return *text;
}

IpAddress address_of(std::string_view text) {
  const auto address = parse_ip(text);
  GODWIT_CHECK(address.has_value());
  return *address;
}

}  // namespace

struct FakeResolver::State {
  explicit State(Clock& with) : clock(with) {}

  Host& host(std::string_view name) { return hosts[normal(name)]; }
  template <class Record>
  void add(std::string_view name, Type type, Record record);
  bool exists(const std::string& name) const;
  Response answer(const Question& question) const;
  static Task<Response> look_up(std::shared_ptr<State> state, Question question, Duration timeout);

  Clock& clock;
  std::map<std::string, Host> hosts;
  bool silent = false;
  bool stopping = false;
  std::unordered_map<Question, std::size_t, dns::QuestionHash> counts;
  std::vector<std::weak_ptr<Slot>> waiting;
};

template <class Record>
void FakeResolver::State::add(std::string_view name, Type type, Record record) {
  auto& records = host(name).records.try_emplace(type, std::vector<Record>{}).first->second;
  std::get<std::vector<Record>>(records).push_back(std::move(record));
}

// Also what lies between known names (an empty non-terminal, RFC 8020 2).
bool FakeResolver::State::exists(const std::string& name) const {
  const auto is_or_is_above = [&](const auto& entry) {
    return !entry.second.records.empty() && (name.empty() || entry.first == name || entry.first.ends_with("." + name));
  };
  return std::any_of(hosts.begin(), hosts.end(), is_or_is_above);
}

Response FakeResolver::State::answer(const Question& question) const {
  static const Host kUnknown;
  Response response;
  response.canonical = question.name;
  response.security = Security::secure;
  response.ttl = std::chrono::seconds(300);
  for (int links = 0; links <= kMaxChain; ++links) {
    const auto found = hosts.find(response.canonical);
    const Host& host = found == hosts.end() ? kUnknown : found->second;
    if (host.failure) return dns::failure(Error::Cause::io, *host.failure);
    if (const auto one = host.failures.find(question.type); one != host.failures.end()) return dns::failure(Error::Cause::io, one->second);
    if (host.security == Security::bogus) {
      Response bogus = dns::failure(Error::Cause::corrupt, fmt::format("DNSSEC validation of {} failed", response.canonical));
      bogus.security = Security::bogus;
      return bogus;
    }
    if (host.security == Security::insecure) response.security = Security::insecure;
    if (const auto records = host.records.find(question.type); records != host.records.end()) {
      response.status = Status::records;
      response.ttl = std::min(response.ttl, host.ttl.value_or(response.ttl));
      response.records = records->second;
      return response;
    }
    const auto cname = host.records.find(Type::cname);
    if (cname == host.records.end()) {
      response.status = exists(response.canonical) ? Status::no_data : Status::nxdomain;
      response.ttl = std::min(response.ttl, host.ttl.value_or(std::chrono::seconds(60)));
      return response;
    }
    response.ttl = std::min(response.ttl, host.ttl.value_or(response.ttl));
    response.canonical = std::get<std::vector<std::string>>(cname->second).front();
  }
  return dns::failure(Error::Cause::io, fmt::format("the CNAME chain of {} has no end", question.name));
}

Task<Response> FakeResolver::State::look_up(std::shared_ptr<State> state, Question question, Duration timeout) {
  GODWIT_CHECK(question.name == normal(question.name));
  ++state->counts[question];
  const auto found = state->hosts.find(question.name);
  const Host settings = found == state->hosts.end() ? Host{} : found->second;
  const bool late = state->silent || settings.silent || settings.delay > timeout;
  const Duration wait = late ? timeout : settings.delay;
  if (wait > Duration(0)) {
    if (state->stopping) co_return dns::failure(Error::Cause::cancelled, "the server is shutting down");
    auto executor = co_await this_executor();
    const auto slot = std::make_shared<Slot>(state->clock.make_timer(executor));
    std::erase_if(state->waiting, [](const auto& weak) { return weak.expired(); });
    state->waiting.push_back(slot);
    const SteadyTime until = state->clock.steady() + wait;
    if (!co_await slot->timer->wait_until(until)) co_return dns::failure(Error::Cause::cancelled, "the server is shutting down");
  }
  if (late)
    co_return dns::failure(Error::Cause::timed_out,
                           fmt::format("no answer from the DNS about {} within {} ms", question.text(), timeout.count()));
  co_return state->answer(question);
}

FakeResolver::FakeResolver(Clock& clock) : state_(std::make_shared<State>(clock)) {}
FakeResolver::~FakeResolver() { stop(); }

void FakeResolver::add_mx(std::string_view name, std::uint16_t preference, std::string_view exchange) {
  state_->add(name, Type::mx, dns::Mx{preference, normal(exchange)});
}
void FakeResolver::add_address(std::string_view name, std::string_view address) {
  const IpAddress parsed = address_of(address);
  state_->add(name, parsed.v6 ? Type::aaaa : Type::a, parsed);
}
void FakeResolver::add_cname(std::string_view name, std::string_view target) { state_->add(name, Type::cname, normal(target)); }
void FakeResolver::add_txt(std::string_view name, std::string_view text) { state_->add(name, Type::txt, std::string(text)); }
void FakeResolver::add_ptr(std::string_view address, std::string_view name) {
  state_->add(dns::reverse_name(address_of(address)), Type::ptr, normal(name));
}
void FakeResolver::add_tlsa(std::string_view name, dns::Tlsa tlsa) { state_->add(name, Type::tlsa, std::move(tlsa)); }
void FakeResolver::remove(std::string_view name) { state_->hosts.erase(normal(name)); }

void FakeResolver::set_ttl(std::string_view name, std::chrono::seconds ttl) { state_->host(name).ttl = ttl; }
void FakeResolver::set_security(std::string_view name, Security security) { state_->host(name).security = security; }
void FakeResolver::fail(std::string_view name, std::string_view reason) { state_->host(name).failure = reason; }
void FakeResolver::fail(std::string_view name, Type type, std::string_view reason) { state_->host(name).failures[type] = reason; }
void FakeResolver::silence(std::string_view name) { state_->host(name).silent = true; }
void FakeResolver::silence_all(bool silent) { state_->silent = silent; }
void FakeResolver::delay(std::string_view name, Duration delay) { state_->host(name).delay = delay; }
void FakeResolver::recover(std::string_view name) {
  Host& host = state_->host(name);
  host.failure.reset();
  host.failures.clear();
  host.silent = false;
  host.delay = Duration(0);
}

std::size_t FakeResolver::questions() const {
  std::size_t sum = 0;
  for (const auto& [question, count] : state_->counts) sum += count;
  return sum;
}

std::size_t FakeResolver::questions(std::string_view name, Type type) const {
  const auto found = state_->counts.find(Question{normal(name), type});
  return found == state_->counts.end() ? 0 : found->second;
}

Task<Response> FakeResolver::resolve(Question question, Duration timeout) { return State::look_up(state_, std::move(question), timeout); }

void FakeResolver::stop() {
  state_->stopping = true;
  for (const auto& weak : state_->waiting) {
    if (const auto slot = weak.lock()) slot->timer->wake();
  }
}

}  // namespace godwit::testing
