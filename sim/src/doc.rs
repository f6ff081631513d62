//! A model for the examples in this documentation: two nodes that send a ball back and forth.

use serde::{Deserialize, Serialize};

use crate::{Context, Info, Model, NoDisk, NoOp, NodeId, Process};

/// The model of the examples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PingPong;

/// One of the two players.
#[derive(Clone, Debug, Hash)]
pub struct Player {
    /// How often it has hit the ball.
    pub hits: u32,
}

/// The ball.
#[derive(Clone, Debug, Hash, crate::Kinded)]
pub enum Ball {
    /// On its way from the server.
    Ping,
    /// On its way back.
    Pong,
}

impl Process for Player {
    type Message = Ball;
    type Timer = ();
    type Record = NoDisk;
    type Op = NoOp;
    type Ret = NoOp;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        if ctx.id() == NodeId(0) {
            ctx.send(NodeId(1), Ball::Ping);
        }
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, ball: Ball) {
        self.hits += 1;
        ctx.send(
            from,
            match ball {
                Ball::Ping => Ball::Pong,
                Ball::Pong => Ball::Ping,
            },
        );
    }
}

impl Model for PingPong {
    type Process = Player;
    const INFO: Info = Info::named("ping_pong", "", "example", "Two nodes send a ball back and forth.");

    fn size(&self) -> usize {
        2
    }

    fn spawn(&self, _: NodeId, _: &[NodeId]) -> Player {
        Player { hits: 0 }
    }
}
