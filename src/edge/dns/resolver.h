#pragma once
// Lookups in the DNS: what sessions, deliveries and checks ask.
//
// One Resolver serves all loops; any coroutine may ask, and goes on on its own loop. Nothing here throws, and no lookup
// takes longer than its time-out: a dead or lying server costs the asker that and a `failed` answer, nothing else.
// Implementations: unbound_resolver.h (the world), testing/fake_resolver.h (a test's).
//
//   const dns::Answer<dns::Mx> answer = co_await resolver.mx(domain);
//   if (answer.failed()) co_return fail(answer.error());          // temporary, with a sentence that says why
//   if (answer.status == dns::Status::nxdomain) ...
//   for (const dns::Mx& mx : answer.records) ...
//
// A name that cannot be written in the DNS (empty or long label, more than 255 bytes) does not exist: `nxdomain`, unasked.
// Names are A-labels: this is no place for IDNA. CNAME chains are followed, except when CNAME is what is asked for.

#include "base/clock.h"
#include "base/task.h"
#include "edge/dns/record.h"

namespace godwit::dns {

inline constexpr Duration kLookupTimeout = std::chrono::seconds(5);

class Resolver {
 public:
  virtual ~Resolver() = default;

  Task<Answer<Mx>> mx(std::string name, Duration timeout = kLookupTimeout);
  Task<Answer<IpAddress>> a(std::string name, Duration timeout = kLookupTimeout);
  Task<Answer<IpAddress>> aaaa(std::string name, Duration timeout = kLookupTimeout);
  Task<Answer<std::string>> cname(std::string name, Duration timeout = kLookupTimeout);
  Task<Answer<std::string>> txt(std::string name, Duration timeout = kLookupTimeout);
  Task<Answer<std::string>> ptr(IpAddress address, Duration timeout = kLookupTimeout);
  Task<Answer<Tlsa>> tlsa(std::string name, Duration timeout = kLookupTimeout);  // "_25._tcp.mx.example.org" (RFC 6698 3)

  // What the functions above are made of; the name of the question is normal (normal_name()).
  virtual Task<Response> resolve(Question question, Duration timeout) = 0;

  // Shutdown, from any thread: every lookup that waits ends at once, `failed` and `cancelled`, and so does every later one
  // that would have to wait.
  virtual void stop() = 0;

 private:
  Task<Response> ask(std::string name, Type type, Duration timeout);
};

}  // namespace godwit::dns
