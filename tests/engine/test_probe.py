from tests.support.engine import World
from stackd.engine.usecases import resource_queries, stack_queries, validate as v
from stackd.engine.usecases.stacks import *
from stackd.engine.usecases import stacks as uc
from stackd.engine.usecases.requests import StackRequest
from stackd.engine.usecases.queries import Reader
from stackd.engine.usecases import previews
from tests.engine.conftest import *
import json

async def test_probe(stackd_world: World) -> None:
    async with stackd_world.process() as process:
      V={"heat_template_version":"2018-08-31"}
      bad='{"heat_template_version": "2018-08-31", "parameters":{"other":{"type":"string","default":"x"}}}'
      inner='{"heat_template_version": "2018-08-31", "resources":{"i":{"type":"OS::Heat::RandomString"}}}'
      cases={
       "plain":({"OS::Heat::RandomString":"p.yaml"},{"r":{"type":"OS::Heat::RandomString"}}),
       "alias":({"OS::Heat::RandomString":"My::A","My::A":"p.yaml"},{"r":{"type":"OS::Heat::RandomString"}}),
       "wild":({"OS::Heat::Rand*":"p.yaml"},{"r":{"type":"OS::Heat::RandomString"}}),
       "byname":({"resources":{"r":{"OS::Heat::RandomString":"p.yaml"}}},{"r":{"type":"OS::Heat::RandomString"}}),
       "group":({"OS::Heat::RandomString":"p.yaml"},{"r":{"type":"OS::Heat::ResourceGroup","properties":{"count":1,"resource_def":{"type":"OS::Heat::RandomString"}}}}),
       "nested":({"OS::Heat::RandomString":"p.yaml"},{"r":{"type":"inner.yaml"}}),
       "unknownalias":({"My::A":"OS::Heat::RandomString","OS::Heat::RandomString":"p.yaml"},{"r":{"type":"My::A"}}),
       "value":({"OS::Heat::Value":"p.yaml"},{"r":{"type":"OS::Heat::Value"}}),
       "server":({"OS::Nova::Server":"p.yaml"},{"r":{"type":"OS::Nova::Server"}}),
      }
      files={"p.yaml":bad,"inner.yaml":inner}
      for n,(reg,res) in cases.items():
        req=StackRequest(name="x"+n,template={**V,"resources":res},files=files,environment={"resource_registry":reg})
        try: print(n,"validate",(await v.validate(process.engine,process.caller,req,nested=False)).get("errors"))
        except Exception as e: print(n,"validate",type(e).__name__, e, e.wire_type)
        try: print(n,"create", (await process.done(await uc.create(process.engine,process.caller,req))).status)
        except Exception as e: print(n,"create",e, e.wire_type)
      # previews
      s0={"heat_template_version":"2018-08-31","resources":{"nested1":{"type":"n1.yaml"}}}
      n1='{"heat_template_version": "2018-08-31", "resources":{"nested2":{"type":"n2.yaml"}}}'
      n2='{"heat_template_version": "2018-08-31", "resources":{"random":{"type":"OS::Heat::RandomString"}}}'
      def n2x(**r): return json.dumps({"heat_template_version": "2018-08-31","resources":r})
      R={"type":"OS::Heat::RandomString"}
      st=await process.done(await process.create("p", s0, files={"n1.yaml":n1,"n2.yaml":n2}))
      for lab,tt,ff in (("same",s0,{"n1.yaml":n1,"n2.yaml":n2}),("add",s0,{"n1.yaml":n1,"n2.yaml":n2x(random=R,random2=R)}),("repl",s0,{"n1.yaml":n1,"n2.yaml":n2x(random={**R,"properties":{"salt":"2"}})}),("del",s0,{"n1.yaml":'{"heat_template_version": "2018-08-31"}'}),("delall",V,{}),("typechange",{**V,"resources":{"nested1":{"type":"OS::Heat::None"}}},{})):
        for nested in (True,False):
          ch=await uc.preview_update(process.engine,process.caller,await process.stack(st),StackRequest(template=tt,files=ff))
          print(lab,nested,{k:[(x.parent_resource,x.name,x.reason) for x in l] for k,l in ch.lists(nested=nested).items() if l})
    assert 0
