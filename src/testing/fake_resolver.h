#pragma once
// The DNS as a test wants it: records, chains, lies, silence and delays on the test's clock. Counts what it is asked.
//
// One thread. It behaves as the real one does: CNAME chains are followed, a name above a known one exists (`no_data`), a bogus
// name fails, an asker waits no longer than its time-out. There is no cache: each lookup counts. Coroutines that still wait
// may be destroyed after it.
//
//   FakeResolver dns(loop.clock());
//   dns.add_mx("example.org", 10, "mx.example.org");
//   dns.add_address("mx.example.org", "192.0.2.1");
//   dns.silence("slow.example");
//
// Names are taken in any case, with or without the final dot; a changed setting counts for lookups that end after it.

#include <map>
#include <memory>

#include "edge/dns/resolver.h"

namespace godwit::testing {

class FakeResolver final : public dns::Resolver {
 public:
  explicit FakeResolver(Clock& clock);
  ~FakeResolver() override;

  // Records; several of one name and type add up.
  void add_mx(std::string_view name, std::uint16_t preference, std::string_view exchange);  // exchange "" or ".": null MX
  void add_address(std::string_view name, std::string_view address);                        // A or AAAA, as the address is
  void add_cname(std::string_view name, std::string_view target);
  void add_txt(std::string_view name, std::string_view text);
  void add_ptr(std::string_view address, std::string_view name);
  void add_tlsa(std::string_view name, dns::Tlsa tlsa);
  void remove(std::string_view name);  // all that was said about it

  void set_ttl(std::string_view name, std::chrono::seconds ttl);           // 300 s without; 60 s for no_data and nxdomain
  void set_security(std::string_view name, dns::Security security);        // insecure without; a chain is as secure as its weakest name
  void fail(std::string_view name, std::string_view reason = "SERVFAIL");  // every type
  void fail(std::string_view name, dns::Type type, std::string_view reason = "SERVFAIL");  // one type
  void silence(std::string_view name);                                                     // no answer: askers time out
  void silence_all(bool silent = true);                                                    // the network is gone, or back
  void delay(std::string_view name, Duration delay);  // what takes longer than the asker waits times out
  void recover(std::string_view name);                // undoes fail, silence and delay

  std::size_t questions() const;
  std::size_t questions(std::string_view name, dns::Type type) const;

  Task<dns::Response> resolve(dns::Question question, Duration timeout) override;
  void stop() override;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace godwit::testing
