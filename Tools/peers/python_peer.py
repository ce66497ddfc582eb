# Recount: an event-sourced ledger for a quorum of validators.
# SPDX-License-Identifier: Apache-2.0
"""A peer of py-libp2p that does what it is told: a JSON object a line in, and one a line out.

    {"id": 1, "do": "dial", "address": "/ip4/.../p2p/..."}
    {"id": 2, "do": "ping" | "identify", "peer": "12D3KooW..."}
    {"id": 3, "do": "open", "peer": ..., "protocol": ..., "data": HEX, "times": "1"}
    {"id": 4, "do": "subscribe", "topic": ...}
    {"id": 5, "do": "publish", "topic": ..., "data": HEX, "times": "1"}
    {"id": 6, "do": "peers", "topic": ...}                              connected, and in the mesh

Data is repeated as often as "times" says; of what comes back or arrives, the size and the SHA-256
are told. The first line out tells the name and the addresses. It speaks /echo. The end of the input
is its end.
"""

import argparse
import hashlib
import json
import sys

import multiaddr
import trio
from libp2p import create_yamux_muxer_option, new_host
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.crypto.x25519 import create_new_key_pair as create_agreement_pair
from libp2p.host.ping import PingService
from libp2p.identity.identify.identify import ID as IDENTIFY
from libp2p.identity.identify.identify import parse_identify_response
from libp2p.peer.id import ID
from libp2p.peer.peerinfo import info_from_p2p_addr
from libp2p.pubsub.gossipsub import GossipSub
from libp2p.pubsub.pubsub import Pubsub
from libp2p.security.noise import patterns
from libp2p.security.noise.transport import PROTOCOL_ID as NOISE
from libp2p.security.noise.transport import Transport as Noise
from libp2p.tools.anyio_service import background_trio_service

arguments = argparse.ArgumentParser()
arguments.add_argument("--ip", default="127.0.0.1")
arguments.add_argument("--port", type=int, default=0)
arguments.add_argument("--mdns", action="store_true")
arguments.add_argument("--unsigned", action="store_true", help="publish without signatures")
arguments.add_argument("--lie", action="store_true", help="sign another key in the handshake")
arguments.add_argument("--exchange", action="store_true", help="tell of peers when pruning")
arguments = arguments.parse_args()


def tell(**fact):
    print(json.dumps(fact), flush=True)


async def read_all(stream):
    data = b""
    while True:
        try:
            part = await stream.read(65536)
        except Exception:
            return data
        if not part:
            return data
        data += part


class Peer:
    def __init__(self):
        keys = create_new_key_pair()
        self.listen = [multiaddr.Multiaddr(f"/ip4/{arguments.ip}/tcp/{arguments.port}")]
        agreement = create_agreement_pair().private_key
        self.host = new_host(
            key_pair=keys,
            listen_addrs=self.listen,
            muxer_opt=create_yamux_muxer_option(),
            enable_mDNS=arguments.mdns,
            sec_opt={NOISE: Noise(keys, noise_privkey=agreement)},
        )
        # The defaults slow a small network down, or want more addresses than one machine has.
        self.gossip = GossipSub(
            protocols=["/meshsub/1.1.0", "/meshsub/1.0.0"],
            degree=6,
            degree_low=4,
            degree_high=12,
            heartbeat_initial_delay=0.1,
            heartbeat_interval=1,
            do_px=arguments.exchange,
            adaptive_gossip_enabled=False,
            spam_protection_enabled=False,
            eclipse_protection_enabled=False,
        )
        self.pubsub = Pubsub(self.host, self.gossip, strict_signing=not arguments.unsigned)

    async def run(self):
        async def echo(stream):
            await stream.write(await read_all(stream))
            await stream.close()

        self.host.set_stream_handler("/echo", echo)
        async with self.host.run(listen_addrs=self.listen):
            async with background_trio_service(self.pubsub), background_trio_service(self.gossip):
                await self.pubsub.wait_until_ready()
                addresses = [str(address) for address in self.host.get_addrs()]
                tell(event="up", peer=str(self.host.get_id()), addresses=addresses)
                async with trio.open_nursery() as self.nursery:
                    async for line in lines():
                        self.nursery.start_soon(self.answer, json.loads(line))
                    self.nursery.cancel_scope.cancel()

    async def answer(self, command):
        try:
            tell(id=command["id"], **(await getattr(self, command["do"])(**command) or {}))
        except Exception as error:
            tell(id=command["id"], error=f"{type(error).__name__}: {error}")

    async def dial(self, address, **_):
        await self.host.connect(info_from_p2p_addr(multiaddr.Multiaddr(address)))

    async def ping(self, peer, **_):
        return {"microseconds": await PingService(self.host).ping(ID.from_string(peer), 2)}

    async def identify(self, peer, **_):
        stream = await self.host.new_stream(ID.from_string(peer), [IDENTIFY])
        answer = parse_identify_response(await read_all(stream))
        return {
            "agent": answer.agent_version,
            "protocols": list(answer.protocols),
            "addresses": [str(multiaddr.Multiaddr(a)) for a in answer.listen_addrs],
            "record": answer.signedPeerRecord.hex(),
        }

    async def open(self, peer, protocol, data="", times=1, **_):
        stream = await self.host.new_stream(ID.from_string(peer), [protocol])
        content = bytes.fromhex(data) * int(times)

        async def send():
            for start in range(0, len(content), 32768):
                await stream.write(content[start : start + 32768])
            await stream.close()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(send)
            found = await read_all(stream)
            return {"size": len(found), "digest": hashlib.sha256(found).hexdigest()}

    async def subscribe(self, topic, **_):
        subscription = await self.pubsub.subscribe(topic)

        async def receive():
            async for message in subscription:
                tell(
                    event="message",
                    topic=topic,
                    size=len(message.data),
                    digest=hashlib.sha256(message.data).hexdigest(),
                    source=message.from_id.hex(),
                    sequence=message.seqno.hex(),
                )

        self.nursery.start_soon(receive)

    async def publish(self, topic, data, times=1, **_):
        await self.pubsub.publish(topic, bytes.fromhex(data) * int(times))

    async def peers(self, topic="", **_):
        return {
            "connected": sorted(str(peer) for peer in self.host.get_connected_peers()),
            "mesh": sorted(str(peer) for peer in self.gossip.mesh.get(topic, ())),
        }


async def lines():
    while True:
        line = await trio.to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True)
        if not line:
            return
        yield line


if arguments.lie:
    honest = patterns.make_handshake_payload_sig
    other = create_agreement_pair().public_key
    patterns.make_handshake_payload_sig = lambda key, _: honest(key, other)

trio.run(Peer().run)
