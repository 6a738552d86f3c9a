"""One thin Prefect task for each stage, by the stage's name with underscores.

from tasks.stages import tokenize
tokenize.submit("sw")
"""

from tasks.stage_task import stage_task
from xlm.stages.data.download import DOWNLOAD
from xlm.stages.data.extract_parallel import EXTRACT_PARALLEL
from xlm.stages.data.extract_wiki import EXTRACT_WIKI
from xlm.stages.data.extract_xnli import EXTRACT_XNLI
from xlm.stages.data.make_world import MAKE_WORLD
from xlm.stages.data.split import SPLIT
from xlm.stages.model.evaluate import EVALUATE
from xlm.stages.model.finetune import FINETUNE
from xlm.stages.model.pretrain import PRETRAIN
from xlm.stages.model.publish import PUBLISH
from xlm.stages.text.apply_bpe import APPLY_BPE
from xlm.stages.text.learn_bpe import LEARN_BPE
from xlm.stages.text.shard import SHARD
from xlm.stages.text.tokenize import TOKENIZE
from xlm.stages.text.vocabulary import VOCABULARY

make_world = stage_task(MAKE_WORLD)
download = stage_task(DOWNLOAD)
extract_wiki = stage_task(EXTRACT_WIKI)
extract_parallel = stage_task(EXTRACT_PARALLEL)
extract_xnli = stage_task(EXTRACT_XNLI)
split = stage_task(SPLIT)
tokenize = stage_task(TOKENIZE)
learn_bpe = stage_task(LEARN_BPE)
apply_bpe = stage_task(APPLY_BPE)
vocabulary = stage_task(VOCABULARY)
shard = stage_task(SHARD)
pretrain = stage_task(PRETRAIN)
finetune = stage_task(FINETUNE)
evaluate = stage_task(EVALUATE)
publish = stage_task(PUBLISH)
